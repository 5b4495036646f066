/** The columns of the catalogue, on a wide screen and on a narrow one. */

import type { DatasetRow } from "../../api/types";
import { parted } from "../../lineage/names";
import { countText, numberText } from "../../parts/formats";
import { Link } from "../../parts/Link";
import { State } from "../../parts/State";
import type { TableColumn } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { taskPath } from "../../paths";
import styles from "./Catalogue.module.css";
import { testRank } from "./choosing";
import { FreshMark, TestMark } from "./marks";

function Name({ row }: { row: DatasetRow }) {
  const { last, before } = parted(row.name);
  return (
    <span className={styles.two} title={row.name}>
      <b>{last}</b>
      <span>{[before.replace(/[./]$/, ""), row.description].filter(Boolean).join(" · ")}</span>
    </span>
  );
}

function Two({ first, second }: { first: string; second: string }) {
  return (
    <span className={styles.two}>
      <span>{first}</span>
      <span>{second}</span>
    </span>
  );
}

function Built({ row }: { row: DatasetRow }) {
  if (!row.built) return <span className={styles.quiet}>never</span>;
  return (
    <span className={styles.built}>
      <State state={row.built.state} bare />
      <Link to={taskPath(row.built.run_id, row.built.key)}>
        <Time at={row.built.at} distance />
      </Link>
    </span>
  );
}

const byTime = (row: DatasetRow): number | null => (row.built ? Date.parse(row.built.at) : null);

const columnsText = (row: DatasetRow): string =>
  row.columns > 0 ? countText(row.columns, "column") : "";

const NAME: TableColumn<DatasetRow> = {
  id: "name",
  title: "Dataset",
  cell: (row) => <Name row={row} />,
  sort: (row) => row.name,
  width: "minmax(14rem, 1fr)",
};
export const COLUMNS: TableColumn<DatasetRow>[] = [
  NAME,
  {
    id: "layer",
    title: "Layer",
    cell: (row) => <Two first={row.layer ?? "–"} second={row.kind ?? ""} />,
    sort: (row) => row.layer,
    width: "7rem",
  },
  {
    id: "rows",
    title: "Rows",
    cell: (row) => <Two first={numberText(row.rows)} second={columnsText(row)} />,
    sort: (row) => row.rows,
    width: "6.5rem",
    align: "end",
  },
  {
    id: "built",
    title: "Last built",
    cell: (row) => <Built row={row} />,
    sort: byTime,
    width: "8rem",
  },
  {
    id: "fresh",
    title: "Freshness",
    cell: (row) => <FreshMark fresh={row.fresh} />,
    sort: (row) => row.fresh?.age_seconds,
    width: "8rem",
  },
  {
    id: "tests",
    title: "Tests",
    cell: (row) => <TestMark tests={row.tests} />,
    sort: testRank,
    width: "7.5rem",
  },
  {
    id: "readers",
    title: "Read by",
    cell: (row) => numberText(row.readers),
    sort: (row) => row.readers,
    width: "4.5rem",
    align: "end",
  },
];
export const SLIM: TableColumn<DatasetRow>[] = [
  { ...NAME, width: "minmax(0, 1fr)" },
  {
    id: "built",
    title: "Built, tests",
    cell: (row) => (
      <span className={styles.slim}>
        <Built row={row} />
        <TestMark tests={row.tests} />
      </span>
    ),
    sort: byTime,
    width: "7.5rem",
  },
];

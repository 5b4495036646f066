/** The tasks of a run as a table: what each took against what it usually takes, and what it said. */

import type { JSX } from "react";

import { lookOf } from "../../graph/states";
import { Standing } from "../../graph/Standing";
import { Duration } from "../../parts/Duration";
import { durationText, numberText } from "../../parts/formats";
import { Icon } from "../../parts/icons";
import { useNarrow } from "../../parts/narrow";
import { Time } from "../../parts/Time";
import { Rows, type RowsView } from "./Rows";
import { slowness, type Row, type Sort, type SortBy } from "./rows";
import styles from "./TaskTable.module.css";

const COLUMNS: readonly { by: SortBy | null; title: string; end?: boolean }[] = [
  { by: "name", title: "Task" },
  { by: "state", title: "State" },
  { by: "start", title: "Started" },
  { by: "duration", title: "Took", end: true },
  { by: "slower", title: "Usually", end: true },
  { by: "rows", title: "Rows", end: true },
  { by: "attempts", title: "Attempts", end: true },
  { by: null, title: "Message" },
];

/** What is first asked of a column: names from A, sizes from the largest. */
const FALLING: ReadonlySet<SortBy> = new Set(["duration", "slower", "rows", "attempts"]);

export function TaskTable({
  label,
  rows,
  view,
  onView,
  onFold,
  onOpen,
  linkOf,
}: RowsView): JSX.Element {
  const narrow = useNarrow();
  return (
    <Rows
      label={`${label}. Arrow keys move and unfold, Enter opens.`}
      rows={rows}
      selected={view.selected}
      onSelect={(selected) => onView({ selected })}
      onFold={onFold}
      onOpen={onOpen}
      linkOf={linkOf}
      columns={styles.columns}
      rowHeight={narrow ? 52 : 32}
      columnCount={COLUMNS.length}
      header={COLUMNS.map((column) => (
        <Head key={column.title} {...column} sort={view.sort} onSort={(sort) => onView({ sort })} />
      ))}
      cells={(row) => <Cells row={row} />}
    />
  );
}

interface HeadProps {
  by: SortBy | null;
  title: string;
  end?: boolean;
  sort: Sort;
  onSort: (sort: Sort) => void;
}

function Head({ by, title, end, sort, onSort }: HeadProps): JSX.Element {
  if (by === null)
    return (
      <div role="columnheader" className={styles.head}>
        {title}
      </div>
    );
  const on = sort.by === by;
  const next: Sort = { by, down: on ? !sort.down : FALLING.has(by) };
  return (
    <div
      role="columnheader"
      className={styles.head}
      data-end={end}
      aria-sort={on ? (sort.down ? "descending" : "ascending") : "none"}
    >
      <button type="button" onClick={() => onSort(next)}>
        {title}
        <span className={styles.arrow} data-on={on}>
          <Icon name={on && sort.down ? "down" : "up"} size={12} />
        </span>
      </button>
    </div>
  );
}

function Cells({ row }: { row: Row }): JSX.Element {
  if (row.type === "group") return <div role="gridcell" aria-colspan={COLUMNS.length - 1} />;
  const { entry } = row;
  return (
    <>
      <div role="gridcell" className={styles.state}>
        <Standing state={entry.state} />
      </div>
      <div role="gridcell" className={styles.cell}>
        <Time at={entry.started} seconds />
      </div>
      <div role="gridcell" className={styles.number} data-what="took">
        <Duration seconds={entry.seconds} since={entry.started} until={entry.finished} />
      </div>
      <div role="gridcell" className={styles.number}>
        <Usual {...{ expected: entry.expected, slower: slowness(entry) }} />
      </div>
      <div role="gridcell" className={styles.number}>
        {numberText(entry.rows)}
      </div>
      <div role="gridcell" className={styles.number}>
        {entry.attempt || "–"}
      </div>
      <div
        role="gridcell"
        className={styles.message}
        data-tone={lookOf(entry.state).tone}
        title={entry.message ?? undefined}
      >
        <span className={styles.kind}>
          {[entry.kind, entry.message && "· "].filter(Boolean).join(" ")}
        </span>
        {entry.message}
      </div>
    </>
  );
}

/** Told apart from chance: twice as long, or half as long. */
function Usual({
  expected,
  slower,
}: {
  expected: number | null;
  slower: number | null;
}): JSX.Element {
  if (expected === null) return <span>–</span>;
  const odd = slower !== null && (slower >= 2 || slower <= 0.5);
  return (
    <span
      title={
        slower === null
          ? undefined
          : `${slower.toFixed(2)} times as long as the median of earlier runs`
      }
    >
      {durationText(expected)}
      {odd && (
        <b className={styles.odd} data-slow={slower >= 2}>
          {" "}
          {slower >= 2 ? "▲" : "▼"} {slower >= 10 ? Math.round(slower) : slower.toFixed(1)}×
        </b>
      )}
    </span>
  );
}

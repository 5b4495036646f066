/** Two runs beside one another: durations, rows, SQL. */

import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";

import { useGet } from "../../api/client";
import type { ComparedTask, Comparison } from "../../api/types";
import { Diff } from "../../code/Diff";
import { Dialog } from "../../parts/Dialog";
import { Empty } from "../../parts/Empty";
import { Link } from "../../parts/Link";
import { useNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { Table } from "../../parts/Table";
import { one, useUrl } from "../../parts/url";
import { comparePath, runPath } from "../../paths";
import { columns } from "./columns";
import styles from "./Compare.module.css";
import { findingsOf, summaryOf } from "./findings";
import { Sides } from "./Sides";

export default function ComparePage() {
  const { id = "", other = "" } = useParams({ strict: false });
  const found = useGet<Comparison>(
    `/runs/${encodeURIComponent(id)}/compare/${encodeURIComponent(other)}`,
  );
  const crumbs = [
    { title: "Runs", to: "/runs" },
    { title: id.slice(0, 8), to: runPath(id) },
  ];
  return (
    <Page
      title="Two runs compared"
      crumbs={crumbs}
      lead={found.data && summaryOf(found.data)}
      actions={<Link to={comparePath(other, id)}>Swap the two</Link>}
    >
      {found.error && <Problem error={found.error} onAgain={() => void found.refetch()} />}
      {found.isPending && <p role="status">Comparing…</p>}
      {found.data && <Compared comparison={found.data} />}
    </Page>
  );
}

function Compared({ comparison }: { comparison: Comparison }) {
  const [search, change] = useUrl();
  const narrow = useNarrow();
  const shownColumns = useMemo(
    () => columns(narrow, (key) => change({ sql: key }, true)),
    [narrow, change],
  );
  const all = one(search.show) === "all";
  const differing = comparison.tasks.filter((task) => findingsOf(task).length > 0);
  const shown = comparison.tasks.find((task) => task.key === one(search.sql));
  return (
    <>
      <Sides a={comparison.a} b={comparison.b} />
      <label className={styles.toggle}>
        <input
          type="checkbox"
          checked={all}
          onChange={(event) => change({ show: event.target.checked ? "all" : "" })}
        />
        Also show tasks that do not differ ({comparison.tasks.length - differing.length})
      </label>
      <Table<ComparedTask>
        label="Tasks of both runs"
        rows={all ? comparison.tasks : differing}
        columns={shownColumns}
        keyOf={(task) => task.key}
        sorted={one(search.sort)}
        onSort={(sort) => change({ sort })}
        empty={
          <Empty title="No task differs.">
            Durations are close, and rows, SQL and states are the same.
          </Empty>
        }
      />
      <Dialog
        wide
        open={shown?.sql_diff != null}
        title={`SQL of ${shown?.name ?? ""}`}
        onClose={() => change({ sql: "" })}
      >
        <Diff diff={shown?.sql_diff ?? ""} title="From the first run to the second" />
      </Dialog>
    </>
  );
}

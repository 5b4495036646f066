/** The dbt nodes that a task reported which runs dbt as a command. */

import type { ReportedNode } from "../../api/types";
import { Duration } from "../../parts/Duration";
import { State } from "../../parts/State";
import { Table, type TableColumn } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { secondsOf } from "./nodes";
import styles from "./TaskPage.module.css";

const COLUMNS: TableColumn<ReportedNode>[] = [
  {
    id: "name",
    title: "Node",
    width: "minmax(8rem, 3fr)",
    sort: (node) => node.name,
    cell: (node) => <span title={node.key}>{node.name}</span>,
  },
  {
    id: "kind",
    title: "Kind",
    width: "6rem",
    wide: true,
    sort: (node) => node.resource_type,
    cell: (node) => node.resource_type,
  },
  {
    id: "state",
    title: "State",
    width: "7rem",
    sort: (node) => node.state,
    cell: (node) => (
      <span title={node.message || undefined}>
        <State state={node.state} status={node.status} />
      </span>
    ),
  },
  {
    id: "started",
    title: "Started",
    width: "7rem",
    wide: true,
    sort: (node) => node.started,
    cell: (node) => <Time at={node.started} seconds />,
  },
  {
    id: "took",
    title: "Took",
    width: "5rem",
    align: "end",
    sort: secondsOf,
    cell: (node) => <Duration seconds={secondsOf(node)} />,
  },
];

export function Nodes({ nodes }: { nodes: ReportedNode[] }) {
  if (nodes.length === 0) return null;
  return (
    <section className={styles.details}>
      <h3>
        Nodes that dbt reported <span className={styles.count}>{nodes.length}</span>
      </h3>
      <Table
        label="Nodes that dbt reported"
        rows={nodes}
        columns={COLUMNS}
        keyOf={(node) => node.key}
        height="26rem"
      />
    </section>
  );
}

/** Agents: the processes that begin scheduled runs. */

import { useGet } from "../../api/client";
import type { Agent } from "../../api/types";
import { Empty } from "../../parts/Empty";
import { Table, type TableColumn } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { Answered } from "./Answered";
import styles from "./Service.module.css";

const COLUMNS: TableColumn<Agent>[] = [
  {
    id: "name",
    title: "Agent",
    width: "minmax(8rem, 2fr)",
    sort: (agent) => agent.name,
    cell: (agent) => <strong>{agent.name}</strong>,
  },
  {
    id: "heartbeat",
    title: "Last heard of",
    width: "minmax(7rem, 1fr)",
    sort: (agent) => agent.heartbeat,
    cell: (agent) => (
      <>
        <Time at={agent.heartbeat} distance />
        {!agent.alive && <span className={styles.gone}> · gone</span>}
      </>
    ),
  },
  {
    id: "started",
    title: "Since",
    width: "minmax(6rem, 1fr)",
    wide: true,
    sort: (agent) => agent.started,
    cell: (agent) => <Time at={agent.started} />,
  },
  {
    id: "where",
    title: "Where",
    width: "minmax(8rem, 2fr)",
    wide: true,
    cell: (agent) => `${agent.host}${agent.pid ? `, process ${agent.pid}` : ""}`,
  },
  {
    id: "labels",
    title: "Labels",
    width: "minmax(6rem, 1fr)",
    wide: true,
    cell: (agent) => agent.labels.join(", ") || "–",
  },
  {
    id: "version",
    title: "Version",
    width: "6rem",
    wide: true,
    cell: (agent) => agent.version || "–",
  },
];

export function Agents() {
  const answer = useGet<{ agents: Agent[] }>("/agents", undefined, { every: 10_000 });
  return (
    <Answered answer={answer}>
      {({ agents }) =>
        agents.length === 0 ? (
          <Empty title="No agent is there.">
            Scheduled runs wait for one. Start it with <code>orchestrator agent start</code>, beside{" "}
            <code>orchestrator scheduler</code>.
          </Empty>
        ) : (
          <Table label="Agents" rows={agents} columns={COLUMNS} keyOf={(agent) => agent.id} />
        )
      }
    </Answered>
  );
}

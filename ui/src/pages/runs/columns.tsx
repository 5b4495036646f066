/** The columns of the list of runs. */

import type { Run } from "../../api/types";
import { Duration } from "../../parts/Duration";
import { Meter } from "../../parts/Meter";
import { State } from "../../parts/State";
import type { TableColumn } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { Counts } from "./Counts";
import styles from "./Runs.module.css";

const took = (run: Run) => (
  <Duration seconds={run.finished ? run.seconds : null} since={run.started} until={run.finished} />
);

export function columnsOf(
  narrow: boolean,
  picked: readonly string[],
  onPick: (id: string) => void,
): TableColumn<Run>[] {
  return [
    {
      id: "flow",
      title: "Flow",
      width: "minmax(7rem, 1.6fr)",
      cell: (run) => (
        <>
          {run.flow} <span className={styles.id}>{run.run_id.slice(0, 6)}</span>
          {narrow && (
            <span className={styles.second}>
              <Time at={run.created} /> · {took(run)}
            </span>
          )}
        </>
      ),
    },
    {
      id: "state",
      title: "State",
      width: "7.5rem",
      cell: (run) => <State state={run.state} />,
    },
    {
      id: "created",
      title: "Asked for",
      width: "minmax(5.5rem, 8rem)",
      wide: true,
      cell: (run) => <Time at={run.created} />,
    },
    {
      id: "took",
      title: "Took",
      width: "6.5rem",
      align: "end",
      wide: true,
      cell: took,
    },
    {
      id: "tasks",
      title: "Tasks",
      width: "minmax(6rem, 1fr)",
      wide: true,
      cell: (run) =>
        run.live && run.progress !== null ? (
          <Meter value={run.progress} label={`Progress of ${run.flow}`} />
        ) : (
          <Counts counts={run.counts} />
        ),
    },
    {
      id: "message",
      title: "Message",
      width: "minmax(8rem, 3fr)",
      wide: true,
      cell: (run) => (
        <span className={styles.message} title={run.message ?? undefined}>
          {run.message}
        </span>
      ),
    },
    {
      id: "pick",
      title: "Compare",
      width: "5rem",
      align: "end",
      wide: true,
      cell: (run) => (
        <label className={styles.pick}>
          <input
            type="checkbox"
            checked={picked.includes(run.run_id)}
            onChange={() => onPick(run.run_id)}
          />
          <span className="unseen">
            Compare {run.flow} {run.run_id.slice(0, 6)}
          </span>
        </label>
      ),
    },
  ];
}

/** The tasks of a run that wait for somebody's word, and the buttons that give it. */

import type { JSX } from "react";

import { useGet } from "../../api/client";
import type { Me, WholeRun } from "../../api/types";
import { shownName } from "../../graph/model";
import { Link } from "../../parts/Link";
import { isFinished } from "../../parts/states";
import { taskPath } from "../../paths";
import { GoOn } from "../task/GoOn";
import styles from "./Waiting.module.css";

/** More are found in the list of tasks. */
const FEW = 5;

export function Waiting({ run }: { run: WholeRun }): JSX.Element | null {
  const me = useGet<Me>("/me", undefined, { fresh: 60_000 }).data;
  const waiting = run.tasks.filter((task) => task.state === "Paused");
  if (waiting.length === 0 || isFinished(run.state)) return null;
  return (
    <section className={styles.waiting} aria-label="Waits for somebody's word">
      {waiting.slice(0, FEW).map((task) => (
        <div key={`${task.key} ${task.attempt}`} className={styles.task}>
          <Link to={taskPath(run.run_id, task.key)}>
            <bdi>{shownName(task.name, task.key)}</bdi>
          </Link>
          <span className={styles.why}>{task.message || "waits for somebody's word"}</span>
          {me?.role !== "view" && <GoOn run={run.run_id} task={task} />}
        </div>
      ))}
      {waiting.length > FEW && (
        <p className={styles.why}>
          {(waiting.length - FEW).toLocaleString()} more wait: choose “Paused” below.
        </p>
      )}
    </section>
  );
}

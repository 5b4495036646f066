/** The elements of a mapped task that failed, each a link to what it said. */

import { useMemo } from "react";

import type { TaskRun, WholeRun } from "../../api/types";
import { isBroken } from "../../graph/states";
import { Link } from "../../parts/Link";
import { State } from "../../parts/State";
import { taskPath } from "../../paths";
import { failedElements } from "./failure";
import styles from "./TaskPage.module.css";

/** More are found in the list of the run's tasks. */
const FEW = 10;

export function FailedElements({ run, task }: { run: WholeRun; task: TaskRun }) {
  const failed = useMemo(
    () => (isBroken(task.state) ? failedElements(run.tasks, task.key) : []),
    [run.tasks, task],
  );
  if (failed.length === 0) return null;
  return (
    <section className={styles.details} aria-label="Elements that failed">
      <h3>
        Elements that failed <span className={styles.count}>{failed.length.toLocaleString()}</span>
      </h3>
      <dl>
        {failed.slice(0, FEW).map((each) => (
          <div key={each.key}>
            <dt>
              <Link to={taskPath(run.run_id, each.key)}>
                <bdi>{each.key}</bdi>
              </Link>
            </dt>
            <dd>
              <State state={each.state} status={each.status} bare /> {each.message}
            </dd>
          </div>
        ))}
      </dl>
      {failed.length > FEW && (
        <p className={styles.quiet}>
          {(failed.length - FEW).toLocaleString()} more are in the list of the run’s tasks.
        </p>
      )}
    </section>
  );
}

/** Runs under way, with how far they are. */

import type { Run } from "../../api/types";
import { Duration } from "../../parts/Duration";
import { countText } from "../../parts/formats";
import { Link } from "../../parts/Link";
import { Meter } from "../../parts/Meter";
import { Section } from "../../parts/Section";
import { State } from "../../parts/State";
import { isFinished } from "../../parts/states";
import { runPath } from "../../paths";
import styles from "./Home.module.css";

export function Running({ runs }: { runs: Run[] }) {
  return (
    <Section title="Running now">
      {runs.length === 0 && <p className={styles.none}>Nothing runs just now.</p>}
      <ul className={styles.list}>
        {runs.map((run) => (
          <li key={run.run_id} className={styles.entry}>
            <div className={styles.line}>
              <Link to={runPath(run.run_id)} className={styles.name}>
                {run.flow}
              </Link>
              <State state={run.state} />
              <span className={styles.when}>
                {run.started ? <Duration since={run.started} /> : "not begun"}
              </span>
            </div>
            <Meter value={run.progress} label={`Progress of ${run.flow}`} />
            <p className={styles.message}>{doneOf(run)}</p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function doneOf(run: Run): string {
  const counts = Object.entries(run.counts);
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  if (all === 0) return "No task has begun.";
  const done = counts.reduce((sum, [state, count]) => sum + (isFinished(state) ? count : 0), 0);
  const failed = (run.counts.Failed ?? 0) + (run.counts.TimedOut ?? 0);
  return `${done} of ${countText(all, "task")} done${failed ? `, ${failed} failed` : ""}`;
}

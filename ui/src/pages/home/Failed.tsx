/** Runs that failed, with what they said. */

import type { Run } from "../../api/types";
import { Duration } from "../../parts/Duration";
import { Link } from "../../parts/Link";
import { Section } from "../../parts/Section";
import { State } from "../../parts/State";
import { Time } from "../../parts/Time";
import { runPath } from "../../paths";
import styles from "./Home.module.css";

export function Failed({ runs }: { runs: Run[] }) {
  return (
    <Section title="Failed" aside={<Link to="/runs?state=Failed">All failed runs</Link>}>
      <ul className={styles.cards}>
        {runs.map((run) => (
          <li key={run.run_id} className={styles.card} data-tone="failed">
            <div className={styles.line}>
              <Link to={runPath(run.run_id)} className={styles.name}>
                {run.flow}
              </Link>
              <State state={run.state} />
              <span className={styles.when}>
                <Time at={run.finished ?? run.started ?? run.created} /> · after{" "}
                <Duration seconds={run.seconds} since={run.started} until={run.finished} />
              </span>
            </div>
            {run.message && <p className={styles.message}>{run.message}</p>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

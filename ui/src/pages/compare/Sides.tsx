/** The two runs that are compared. */

import type { Run } from "../../api/types";
import { Duration } from "../../parts/Duration";
import { Link } from "../../parts/Link";
import { State } from "../../parts/State";
import { Time } from "../../parts/Time";
import { runPath } from "../../paths";
import styles from "./Compare.module.css";

export function Sides({ a, b }: { a: Run; b: Run }) {
  return (
    <div className={styles.sides}>
      <Side run={a} title="First" />
      <Side run={b} title="Second" />
    </div>
  );
}

function Side({ run, title }: { run: Run; title: string }) {
  return (
    <section className={styles.side} aria-label={`${title} run`}>
      <h2>
        {title}: <Link to={runPath(run.run_id)}>{run.flow}</Link>{" "}
        <code className={styles.id}>{run.run_id}</code>
      </h2>
      <p className={styles.facts}>
        <State state={run.state} />
        <span>
          <Time at={run.started ?? run.created} />
        </span>
        <Duration seconds={run.seconds} />
        {run.version && (
          <span>
            version <code>{run.version}</code>
          </span>
        )}
      </p>
      {run.message && <p className={styles.message}>{run.message}</p>}
    </section>
  );
}

/** What a run is, beside its tasks: when, how long, with what, made by whom. */

import type { JSX, ReactNode } from "react";

import type { WholeRun } from "../../api/types";
import { flowPath, runPath } from "../../paths";
import { Duration } from "../../parts/Duration";
import { Link } from "../../parts/Link";
import { Time } from "../../parts/Time";
import styles from "./RunFacts.module.css";

export const shortId = (id: string): string => id.slice(0, 8);

const RunLink = ({ id }: { id: string }): JSX.Element => (
  <Link to={runPath(id)}>
    <code>{shortId(id)}</code>
  </Link>
);

/** Why a run has not begun; the run that is in its way is a link. */
function Cause({ why, other }: { why: string; other: string | null }): JSX.Element {
  const at = other ? why.indexOf(other) : -1;
  if (other === null || at < 0) return <>{why}</>;
  return (
    <>
      {why.slice(0, at)}
      <RunLink id={other} />
      {why.slice(at + other.length)}
    </>
  );
}

/** Who or what asked for it, in a word. */
function madeBy(run: WholeRun): string {
  const by = run.options["by"] ?? run.options["requested_by"];
  if (run.schedule_id) return `its schedule ${run.schedule_id}`;
  if (typeof by === "string" && by) return by;
  return run.retry_of ? "a retry" : "hand";
}

const text = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

/** Options that say something: false, null and empty ones do not. */
function told(words: Record<string, unknown>): [string, unknown][] {
  return Object.entries(words).filter(([name, value]) => {
    if (name === "by" || name === "requested_by") return false; // see madeBy
    if (value === null || value === undefined || value === false || value === "") return false;
    return !(typeof value === "object" && Object.keys(value).length === 0);
  });
}

export function RunFacts({ run }: { run: WholeRun }): JSX.Element {
  const parameters = Object.entries(run.parameters);
  const options = told(run.options);
  return (
    <div className={styles.facts}>
      <dl className={styles.line}>
        <Fact title={run.started ? "Started" : "Asked for"}>
          <Time at={run.started ?? run.created} seconds />
        </Fact>
        {run.waiting && (
          <Fact title="Not begun">
            <Cause why={run.waiting} other={run.waits_for} />
          </Fact>
        )}
        {run.finished && (
          <Fact title="Finished">
            <Time at={run.finished} seconds />
          </Fact>
        )}
        <Fact title="Took">
          <Duration
            seconds={run.finished ? run.seconds : null}
            since={run.started}
            until={run.finished}
          />
        </Fact>
        <Fact title="Made by">{madeBy(run)}</Fact>
        {run.scheduled && (
          <Fact title="Due">
            <Time at={run.scheduled} />
            {run.late && <span className={styles.late}> late</span>}
          </Fact>
        )}
        {run.interval_start && (
          <Fact title="Data of">
            <Time at={run.interval_start} /> – <Time at={run.interval_end} />
          </Fact>
        )}
        {run.version && (
          <Fact title="Version">
            <Link to={flowPath(run.flow)}>
              <code>{run.version.slice(0, 12)}</code>
            </Link>
          </Fact>
        )}
        {(run.agent ?? run.host) && <Fact title="On">{run.agent ?? run.host}</Fact>}
        {run.retry_of && (
          <Fact title="Retry of">
            <RunLink id={run.retry_of} />
          </Fact>
        )}
        {run.retried_by.length > 0 && (
          <Fact title="Retried by">
            {run.retried_by.map((id) => (
              <RunLink key={id} id={id} />
            ))}
          </Fact>
        )}
        <Pairs title="Parameters" pairs={parameters} />
        <Pairs title="Options" pairs={options} />
      </dl>
      {run.message && <p className={styles.message}>{run.message}</p>}
      {run.requests.map(
        (asked, index) =>
          asked.action === "cancel" && (
            <p key={index} className={styles.message}>
              {asked.by || "Somebody"} asked it to stop, <Time at={asked.at} seconds />
              {typeof asked.data?.reason === "string" &&
                asked.data.reason !== "" &&
                `: ${asked.data.reason}`}
            </p>
          ),
      )}
    </div>
  );
}

const FEW = 3;
const SHORT = 60;

function Pairs({
  title,
  pairs,
}: {
  title: string;
  pairs: readonly [string, unknown][];
}): JSX.Element | null {
  if (pairs.length === 0) return null;
  const length = pairs.reduce((sum, [name, value]) => sum + name.length + text(value).length, 0);
  const list = (
    <ul className={styles.pairs}>
      {pairs.map(([name, value]) => (
        <li key={name}>
          {name} <code>{text(value)}</code>
        </li>
      ))}
    </ul>
  );
  return (
    <Fact title={title}>
      {pairs.length <= FEW && length <= SHORT ? (
        list
      ) : (
        <details>
          <summary>{pairs.length} given</summary>
          {list}
        </details>
      )}
    </Fact>
  );
}

function Fact({ title, children }: { title: string; children: ReactNode }): JSX.Element {
  return (
    <div className={styles.fact}>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

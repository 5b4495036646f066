/** The states a task went through, each with when, and how long it lasted. */

import type { Asked, StateChange } from "../../api/types";
import { Duration } from "../../parts/Duration";
import { State } from "../../parts/State";
import { isFinished } from "../../parts/states";
import { Time } from "../../parts/Time";
import styles from "./TaskPage.module.css";

interface Props {
  history: StateChange[];
  requests: Asked[];
}

export function StateHistory({ history, requests }: Props) {
  const steps = history.flatMap((step) => (step.state ? [{ ...step, state: step.state }] : []));
  return (
    <section className={styles.history}>
      <h3>State history</h3>
      {steps.length === 0 && (
        <p className={styles.quiet}>It has not moved since the run was made.</p>
      )}
      <ol>
        {steps.map((step, index) => (
          <li key={index}>
            <span className={styles.when}>
              <Time at={step.at} seconds />
            </span>
            <div>
              <State state={step.state} />
              {(step.attempt ?? 0) > 1 && (
                <span className={styles.quiet}> attempt {step.attempt}</span>
              )}
              {!isFinished(step.state) && (
                <span className={styles.quiet}>
                  {" "}
                  for <Duration since={step.at} until={steps[index + 1]?.at} />
                </span>
              )}
              {step.message && <p className={styles.note}>{step.message}</p>}
            </div>
          </li>
        ))}
      </ol>
      {requests.length > 0 && (
        <>
          <h3>Asked by people</h3>
          <ol>
            {requests.map((asked, index) => (
              <li key={index}>
                <span className={styles.when}>
                  <Time at={asked.at} seconds />
                </span>
                <div>
                  <strong>{asked.action}</strong> by {asked.by ?? "somebody"}
                  {typeof asked.data?.reason === "string" && (
                    <p className={styles.note}>{asked.data.reason}</p>
                  )}
                </div>
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

/** A failure: what was said, and the traceback beside the SQL with its failing line. */

import type { Failure } from "../../api/types";
import { Ansi } from "../../code/Ansi";
import { SqlView } from "../../code/SqlView";
import { Traceback } from "../../code/Traceback";
import { Copy } from "../../parts/Copy";
import { LinkCopy } from "./LinkCopy";
import { placeOf, sayingOf } from "./failure";
import styles from "./TaskPage.module.css";

interface Props {
  failure: Failure;
  /** Shown where the failure has neither traceback nor a longer message. */
  relation?: string | null;
}

export function FailureView({ failure, relation }: Props) {
  const place = placeOf(failure);
  const message = failure.message ?? "";
  const both = Boolean(failure.sql);
  return (
    <section
      id="failure"
      className={styles.failure}
      data-both={both || undefined}
      aria-label="Failure"
    >
      <div className={styles.said}>
        {failure.traceback ? (
          <Traceback text={failure.traceback} />
        ) : (
          <figure className={styles.message}>
            <figcaption>
              <span>What failed</span>
              <Copy text={message} />
            </figcaption>
            <pre tabIndex={0}>
              {message.split("\n").map((line, index) => (
                <span key={index}>
                  <Ansi text={line} />
                  {"\n"}
                </span>
              ))}
            </pre>
          </figure>
        )}
        {place && (
          <p className={styles.place}>
            In <code>{place}</code> <Copy text={place} label="Copy path" bare />
          </p>
        )}
      </div>
      {failure.sql && (
        <div id="sql" className={styles.sql}>
          <SqlView
            sql={failure.sql}
            line={failure.sql_line}
            message={failure.sql_line ? sayingOf(message) : null}
            title={relation ? `Compiled SQL of ${relation}` : "Compiled SQL"}
            actions={<LinkCopy hash="sql" label="Link to this SQL" />}
          />
        </div>
      )}
    </section>
  );
}

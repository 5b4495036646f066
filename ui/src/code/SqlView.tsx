/** SQL with line numbers, its failing line marked and in view. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";

import { Copy } from "../parts/Copy";
import type { SqlToken } from "./sqlTokens";
import frame from "./Frame.module.css";
import styles from "./SqlView.module.css";

interface Props {
  sql: string;
  title?: ReactNode;
  /** The line that failed, from 1. */
  line?: number | null;
  /** What is said at that line. */
  message?: string | null;
  /** What else stands beside the copy button. */
  actions?: ReactNode;
}

export function SqlView({ sql, title = "SQL", line = null, message = null, actions }: Props) {
  const lines = useSqlLines(sql);
  const box = useRef<HTMLDivElement>(null);
  const failing = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const [outer, inner] = [box.current, failing.current];
    if (outer && inner) outer.scrollTop = inner.offsetTop - outer.clientHeight / 3;
  }, [sql, line]);
  return (
    <figure className={`${frame.view} ${styles.view}`}>
      <figcaption className={`${frame.head} ${styles.head}`}>
        <span className={`${frame.title} ${styles.title}`}>{title}</span>
        {actions}
        <Copy text={sql} label="Copy SQL" />
      </figcaption>
      <div ref={box} className={styles.box} tabIndex={0} role="region" aria-label="SQL text">
        <div
          className={frame.lines}
          style={{ ["--digits" as string]: String(lines.length).length }}
        >
          {lines.map((tokens, index) => (
            <div
              key={index}
              ref={index + 1 === line ? failing : undefined}
              className={styles.line}
              data-failing={index + 1 === line || undefined}
            >
              <span className={styles.number} data-number={index + 1} aria-hidden="true" />
              <code>
                {index + 1 === line && <span className="unseen">Failing line {line}: </span>}
                {tokens.map((token, at) => (
                  <span key={at} data-kind={token.kind ?? undefined}>
                    {token.text}
                  </span>
                ))}
                {"\n"}
              </code>
              {index + 1 === line && message && <p className={styles.said}>{message}</p>}
            </div>
          ))}
        </div>
      </div>
    </figure>
  );
}

/** Plain lines at once, coloured ones as soon as the grammar is there. */
function useSqlLines(sql: string): SqlToken[][] {
  const plain = useMemo(
    () => sql.split("\n").map((text) => (text ? [{ text, kind: null }] : [])),
    [sql],
  );
  const [coloured, setColoured] = useState<{ sql: string; lines: SqlToken[][] } | null>(null);
  useEffect(() => {
    let wanted = true;
    void import("./sqlTokens")
      .then(({ sqlLines }) => wanted && setColoured({ sql, lines: sqlLines(sql) }))
      .catch(() => undefined);
    return () => {
      wanted = false;
    };
  }, [sql]);
  return coloured?.sql === sql ? coloured.lines : plain;
}

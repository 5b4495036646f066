/** What changed between two texts, line by line. */

import { useMemo, type ReactNode } from "react";

import { Copy } from "../parts/Copy";
import frame from "./Frame.module.css";
import styles from "./Diff.module.css";
import { countOf, readDiff } from "./unified";

interface Props {
  /** A unified diff. */
  diff: string;
  title: ReactNode;
}

const MARKS = { added: "+", removed: "−", same: " ", hunk: " " };
const WORDS = { added: "Added: ", removed: "Removed: ", same: "", hunk: "" };

export function Diff({ diff, title }: Props) {
  const lines = useMemo(() => readDiff(diff), [diff]);
  const { added, removed } = countOf(lines);
  return (
    <figure className={frame.view}>
      <figcaption className={`${frame.head} ${styles.head}`}>
        <span className={`${frame.title} ${styles.title}`}>{title}</span>
        <span className={styles.added} aria-label={`${added} lines added`}>
          +{added}
        </span>
        <span className={styles.removed} aria-label={`${removed} lines removed`}>
          −{removed}
        </span>
        <Copy text={diff} label="Copy diff" bare />
      </figcaption>
      <div className={styles.box} tabIndex={0} role="region" aria-label="Diff text">
        <div className={`${frame.lines} ${styles.lines}`}>
          {lines.map((line, index) => (
            <div key={index} className={styles.line} data-kind={line.kind}>
              <span className={styles.number} data-number={line.before ?? ""} aria-hidden="true" />
              <span className={styles.number} data-number={line.after ?? ""} aria-hidden="true" />
              <span aria-hidden="true">{MARKS[line.kind]}</span>
              <code>
                {WORDS[line.kind] && <span className="unseen">{WORDS[line.kind]}</span>}
                {line.text}
                {"\n"}
              </code>
            </div>
          ))}
        </div>
      </div>
    </figure>
  );
}

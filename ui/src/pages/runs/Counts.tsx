/** How many tasks of a run are in which state, as a strip and in words. */

import { colourOf, toneOf, wordOf } from "../../parts/states";
import styles from "./Runs.module.css";

const ORDER = ["failed", "retrying", "running", "success", "warned", "cancelled", "skipped"];

export function Counts({ counts }: { counts: Record<string, number> }) {
  const parts = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => ORDER.indexOf(toneOf(a)) - ORDER.indexOf(toneOf(b)));
  if (parts.length === 0) return <span className={styles.message}>–</span>;
  const words = parts.map(([state, count]) => `${count} ${wordOf(state).toLowerCase()}`).join(", ");
  return (
    <span className={styles.counts} role="img" aria-label={words} title={words}>
      {parts.map(([state, count]) => (
        <span key={state} style={{ flexGrow: count, background: colourOf(state) }} />
      ))}
    </span>
  );
}

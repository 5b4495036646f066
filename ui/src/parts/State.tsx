/** A state as word and mark, never by colour alone. */

import { Icon } from "./icons";
import styles from "./State.module.css";
import { toneOf, wordOf } from "./states";

interface Props {
  state: string;
  /** The tool's own word where there is one (dbt's `warn`). */
  status?: string | null;
  /** Only the mark; the word stays for screen readers. */
  bare?: boolean;
}

export function State({ state, status, bare = false }: Props) {
  const tone = toneOf(state, status);
  const word = status === "warn" && tone === "warned" ? "Warned" : wordOf(state);
  return (
    <span
      className={styles.state}
      data-tone={tone}
      data-bare={bare || undefined}
      title={bare ? word : undefined}
    >
      <Icon name={tone} size={13} />
      <span className={bare ? "unseen" : undefined}>{word}</span>
    </span>
  );
}

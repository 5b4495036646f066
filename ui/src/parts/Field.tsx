/** A labelled input with its hint and what is wrong with it. */

import { useId, type ReactNode } from "react";

import styles from "./Field.module.css";

interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

interface Props {
  label: ReactNode;
  hint?: ReactNode;
  problem?: string | null;
  required?: boolean;
  /** Label and input in one row. */
  inline?: boolean;
  /** Draws the input; spread what it is given: `{(wired) => <input {...wired} />}`. */
  children: (wired: Wiring) => ReactNode;
}

export function Field({ label, hint, problem, required, inline, children }: Props) {
  const id = useId();
  const told = [hint ? `${id}-hint` : "", problem ? `${id}-problem` : ""].filter(Boolean).join(" ");
  return (
    <div className={styles.field} data-inline={inline || undefined}>
      <label htmlFor={id}>
        {label}
        {required && <span className={styles.required}> (required)</span>}
      </label>
      {children({
        id,
        "aria-describedby": told || undefined,
        "aria-invalid": problem ? true : undefined,
      })}
      {hint && (
        <p id={`${id}-hint`} className={styles.hint}>
          {hint}
        </p>
      )}
      {problem && (
        <p id={`${id}-problem`} className={styles.problem}>
          {problem}
        </p>
      )}
    </div>
  );
}

/** Nothing to show: says so, and what to do next. */

import type { ReactNode } from "react";

import styles from "./Empty.module.css";

interface Props {
  title: string;
  /** What to do next. */
  children?: ReactNode;
  action?: ReactNode;
}

export function Empty({ title, children, action }: Props) {
  return (
    <div className={styles.empty}>
      <p className={styles.title}>{title}</p>
      {children && <div className={styles.next}>{children}</div>}
      {action}
    </div>
  );
}

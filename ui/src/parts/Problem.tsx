/** What went wrong, where, and what to do next. */

import { ApiError } from "../api/client";
import { Button } from "./Button";
import styles from "./Problem.module.css";

interface Props {
  error: unknown;
  onAgain?: () => void;
}

export function Problem({ error, onAgain }: Props) {
  const known = error instanceof ApiError ? error : null;
  const what = known?.what ?? (error instanceof Error ? error.message : String(error));
  return (
    <div className={styles.problem} role="alert">
      <p className={styles.what}>{what}</p>
      {known?.where && <p className={styles.where}>{known.where}</p>}
      {known?.fix && <p>{known.fix}</p>}
      {onAgain && <Button onClick={onAgain}>Try again</Button>}
    </div>
  );
}

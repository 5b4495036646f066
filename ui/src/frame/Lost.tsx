/** Says when the server does not answer, and asks until it does. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { heard, useLost } from "../api/connection";
import styles from "./Lost.module.css";

const EVERY = 3_000;

export function Lost() {
  const lost = useLost();
  const client = useQueryClient();
  useEffect(() => {
    if (!lost) return;
    const timer = window.setInterval(() => {
      void fetch("/health", { cache: "no-store" }).then(
        () => {
          heard();
          void client.invalidateQueries();
        },
        () => undefined,
      );
    }, EVERY);
    return () => window.clearInterval(timer);
  }, [lost, client]);
  return (
    <div role="status" aria-live="polite">
      {lost && (
        <p className={styles.lost}>
          <strong>Connection lost.</strong> What you see may be out of date. Trying again…
        </p>
      )}
    </div>
  );
}

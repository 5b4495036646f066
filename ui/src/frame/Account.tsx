/** Who is logged in, and the way out. */

import { useQueryClient } from "@tanstack/react-query";

import { send } from "../api/client";
import type { Me } from "../api/types";
import { Button } from "../parts/Button";
import { useGoing } from "../parts/useGoing";
import styles from "./Frame.module.css";

export function Account({ me }: { me: Me | undefined }) {
  const client = useQueryClient();
  const go = useGoing();
  if (!me?.tokens) return null;
  const leave = async (): Promise<void> => {
    await send("POST", "/logout").catch(() => undefined);
    client.clear();
    go("/login");
  };
  return (
    <span className={styles.account}>
      <span className={styles.who} title={`${me.by} may ${MAY[me.role]}`}>
        {me.by}
      </span>
      <Button kind="quiet" onClick={() => void leave()}>
        Log out
      </Button>
    </span>
  );
}

const MAY = {
  view: "look at everything",
  run: "look at everything and run flows",
  admin: "do everything",
} as const;

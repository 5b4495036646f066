/** The way in, by a token. */

import { useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";

import { useSend } from "../../api/client";
import { Button } from "../../parts/Button";
import { Field } from "../../parts/Field";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { one, useUrl } from "../../parts/url";
import { useGoing } from "../../parts/useGoing";
import { nextOf } from "./next";
import styles from "./Login.module.css";

export default function LoginPage() {
  const [search] = useUrl();
  const [token, setToken] = useState("");
  const login = useSend<{ token: string }>("POST", "/login");
  const client = useQueryClient();
  const go = useGoing();
  const enter = (event: FormEvent): void => {
    event.preventDefault();
    login.mutate(
      { token: token.trim() },
      {
        onSuccess: () => {
          client.clear();
          go(nextOf(one(search.next)));
        },
      },
    );
  };
  return (
    <div className={styles.place}>
      <Page
        title="Log in"
        heading={
          <span className={styles.brand}>
            <img src="/favicon.svg" alt="" width="34" height="34" />
            Log in
          </span>
        }
        lead="This server asks who you are."
      >
        <form className={styles.form} onSubmit={enter}>
          <Field
            label="Token"
            hint={
              <>
                Whoever runs the server makes one with <code>orchestrator tokens create NAME</code>.
              </>
            }
          >
            {(wired) => (
              <input
                {...wired}
                type="password"
                autoComplete="current-password"
                spellCheck={false}
                required
                autoFocus
                value={token}
                onChange={(event) => setToken(event.target.value)}
              />
            )}
          </Field>
          {login.error && <Problem error={login.error} />}
          <Button type="submit" kind="main" busy={login.isPending}>
            Log in
          </Button>
        </form>
      </Page>
    </div>
  );
}

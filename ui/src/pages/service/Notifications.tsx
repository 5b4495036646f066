/** Notifications: what was sent, what waits, and what was given up. */

import { useMemo } from "react";

import { send, useGet } from "../../api/client";
import type { Notification } from "../../api/types";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button } from "../../parts/Button";
import { Empty } from "../../parts/Empty";
import { Field } from "../../parts/Field";
import { Problem } from "../../parts/Problem";
import { Table } from "../../parts/Table";
import { one, useUrl } from "../../parts/url";
import { Answered } from "./Answered";
import { notificationColumns } from "./notificationColumns";
import styles from "./Service.module.css";

const STATES = [
  ["", "All"],
  ["dead", "Given up"],
  ["pending", "Waiting"],
  ["sent", "Sent"],
] as const;

export function Notifications() {
  const [search, change] = useUrl();
  const state = one(search.state);
  const answer = useGet<{ notifications: Notification[] }>(
    "/notifications",
    { state },
    { every: 15_000, keep: true },
  );
  const { retry, dead, retryAll, ...going } = useRetry(answer.data?.notifications ?? []);
  const columns = useMemo(() => notificationColumns(retry), [retry]);
  return (
    <>
      <div className={styles.bar}>
        <Field label="Show" inline>
          {(wired) => (
            <select
              {...wired}
              value={state}
              onChange={(event) => change({ state: event.target.value })}
            >
              {STATES.map(([value, title]) => (
                <option key={value} value={value}>
                  {title}
                </option>
              ))}
            </select>
          )}
        </Field>
        {dead > 1 && (
          <Button icon="retrying" busy={going.busy} onClick={retryAll}>
            Try all {dead} again that were given up
          </Button>
        )}
      </div>
      {going.error && <Problem error={going.error} />}
      <Answered answer={answer}>
        {({ notifications }) => (
          <Table
            label="Notifications"
            rows={notifications}
            columns={columns}
            keyOf={(each) => String(each.id)}
            rowHeight={46}
            empty={
              <Empty
                title={state ? "No notification is in this state." : "Nothing to tell anybody."}
              >
                Where messages go is set under <code>[notifications]</code> in the project’s
                settings.
              </Empty>
            }
          />
        )}
      </Answered>
    </>
  );
}

function useRetry(all: Notification[]) {
  const client = useQueryClient();
  const going = useMutation({
    mutationFn: (ids: number[]) =>
      Promise.all(ids.map((id) => send("POST", `/notifications/${id}/retry`))),
    onSettled: () => client.invalidateQueries({ queryKey: ["/notifications"] }),
  });
  const { mutate } = going;
  const dead = all.filter((each) => each.state === "dead").map((each) => each.id);
  const retry = useMemo(() => (id: number) => mutate([id]), [mutate]);
  return {
    retry,
    dead: dead.length,
    retryAll: () => mutate(dead),
    busy: going.isPending,
    error: going.error,
  };
}

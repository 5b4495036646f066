/** Sets a limit, or takes it away. */

import { useState, type FormEvent } from "react";

import { useGet, useSend } from "../../api/client";
import type { Limit, Me } from "../../api/types";
import { Button } from "../../parts/Button";
import { Field } from "../../parts/Field";
import { Problem } from "../../parts/Problem";
import { Section } from "../../parts/Section";
import styles from "./Service.module.css";

export function ChangeLimit({ limits }: { limits: Limit[] }) {
  const me = useGet<Me>("/me", undefined, { fresh: 60_000 }).data;
  const [name, setName] = useState("");
  const [slots, setSlots] = useState("");
  const change = useSend<{ name: string; slots: number | null }>("PUT", "/limits");
  if (me && me.role !== "admin") return null;
  const known = limits.some((limit) => limit.name === name.trim());
  const save = (event: FormEvent): void => {
    event.preventDefault();
    change.mutate({ name: name.trim(), slots: Number(slots) }, { onSuccess: () => setSlots("") });
  };
  return (
    <Section title="Set a limit">
      <form className={styles.form} onSubmit={save}>
        <Field label="Name" hint="tag:WORD, warehouse:CONNECTION or flow:FLOW" required>
          {(wired) => (
            <input
              {...wired}
              list="limits"
              required
              pattern="(tag|warehouse|flow):.+"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <datalist id="limits">
          {limits.map((limit) => (
            <option key={limit.name} value={limit.name} />
          ))}
        </datalist>
        <Field label="At the same time" hint="0 lets nothing begin" required>
          {(wired) => (
            <input
              {...wired}
              type="number"
              min={0}
              step={1}
              required
              value={slots}
              onChange={(event) => setSlots(event.target.value)}
            />
          )}
        </Field>
        <div className={styles.buttons}>
          <Button type="submit" kind="main" busy={change.isPending}>
            Set
          </Button>
          {known && (
            <Button
              kind="danger"
              busy={change.isPending}
              onClick={() => change.mutate({ name: name.trim(), slots: null })}
            >
              Take away
            </Button>
          )}
        </div>
      </form>
      {change.error && <Problem error={change.error} />}
    </Section>
  );
}

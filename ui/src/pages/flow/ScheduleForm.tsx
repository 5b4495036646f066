/** A form that changes the schedules of a deployed flow; what is chosen in it is previewed live. */

import { useState } from "react";

import { useSend } from "../../api/client";
import { Button } from "../../parts/Button";
import { Field } from "../../parts/Field";
import { Problem } from "../../parts/Problem";
import styles from "./FlowPage.module.css";
import { freeName, GAPS, OVERLAPS, problemsOf, type Draft } from "./schedules";

interface Props {
  flow: string;
  drafts: Draft[];
  onDrafts: (drafts: Draft[]) => void;
  /** The draft that is previewed. */
  chosen: number;
  onChoose: (index: number) => void;
  /** What is wrong with the chosen one, in the server's words. */
  refused: string | null;
  onClose: () => void;
  onSaved: () => void;
}

const zones = (): string[] => {
  try {
    return ["UTC", ...Intl.supportedValuesOf("timeZone")];
  } catch {
    return ["UTC"];
  }
};

export function ScheduleForm({
  flow,
  drafts,
  onDrafts,
  chosen,
  onChoose,
  refused,
  onClose,
  onSaved,
}: Props) {
  const [known] = useState(zones);
  const send = useSend<{ schedules: Draft[] }>(
    "PUT",
    `/flows/${encodeURIComponent(flow)}/schedules`,
  );
  const problems = problemsOf(drafts);
  const draft = drafts[chosen];
  const change = (patch: Partial<Draft>) =>
    onDrafts(drafts.map((each, index) => (index === chosen ? { ...each, ...patch } : each)));
  const add = () => {
    const timezone = draft?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";
    onDrafts([
      ...drafts,
      {
        name: freeName(drafts),
        cron: "0 2 * * *",
        timezone,
        gap: "end",
        overlap: "first",
        parameters: {},
      },
    ]);
    onChoose(drafts.length);
  };
  const save = () =>
    send.mutate(
      {
        schedules: drafts.map((each) => ({
          ...each,
          name: each.name.trim(),
          cron: each.cron.trim(),
          timezone: each.timezone.trim(),
        })),
      },
      { onSuccess: onSaved },
    );
  return (
    <form
      className={styles.change}
      aria-label="Change schedules"
      onSubmit={(event) => {
        event.preventDefault();
        if (!Object.keys(problems).length) save();
      }}
    >
      <div className={styles.picks} role="group" aria-label="Schedules">
        {drafts.map((each, index) => (
          <button
            key={index}
            type="button"
            aria-pressed={index === chosen}
            onClick={() => onChoose(index)}
          >
            {each.name || "no name"}
          </button>
        ))}
        <Button kind="quiet" icon="plus" onClick={add}>
          Add
        </Button>
      </div>
      {draft ? (
        <div className={styles.fields}>
          <Field label="Name" problem={problems[chosen]}>
            {(wired) => (
              <input
                {...wired}
                value={draft.name}
                onChange={(event) => change({ name: event.target.value })}
              />
            )}
          </Field>
          <Field
            label="Cron expression"
            hint="Minute, hour, day, month, day of the week."
            problem={refused}
          >
            {(wired) => (
              <input
                {...wired}
                className={styles.code}
                value={draft.cron}
                spellCheck={false}
                onChange={(event) => change({ cron: event.target.value })}
              />
            )}
          </Field>
          <Field label="Time zone">
            {(wired) => (
              <>
                <input
                  {...wired}
                  list="zones"
                  value={draft.timezone}
                  spellCheck={false}
                  onChange={(event) => change({ timezone: event.target.value })}
                />
                <datalist id="zones">
                  {known.map((zone) => (
                    <option key={zone} value={zone} />
                  ))}
                </datalist>
              </>
            )}
          </Field>
          <Field label="If its time does not exist, run">
            {(wired) => (
              <Choice
                wired={wired}
                value={draft.gap}
                of={GAPS}
                onChange={(gap) => change({ gap })}
              />
            )}
          </Field>
          <Field label="If its time comes twice, run">
            {(wired) => (
              <Choice
                wired={wired}
                value={draft.overlap}
                of={OVERLAPS}
                onChange={(overlap) => change({ overlap })}
              />
            )}
          </Field>
          <Button
            kind="quiet"
            icon="minus"
            onClick={() => {
              onDrafts(drafts.filter((_, index) => index !== chosen));
              onChoose(Math.max(chosen - 1, 0));
            }}
          >
            Remove {draft.name}
          </Button>
        </div>
      ) : (
        <p className={styles.quiet}>
          Without schedules the flow runs only when somebody starts it.
        </p>
      )}
      {send.error && <Problem error={send.error} />}
      <footer>
        <p className={styles.quiet}>
          Saving makes a new deployment of the same version. The next{" "}
          <code>orchestrator deploy</code> takes the schedules from the code again.
        </p>
        <Button onClick={onClose}>Back</Button>
        <Button
          kind="main"
          type="submit"
          busy={send.isPending}
          disabled={refused !== null || Object.keys(problems).length > 0}
        >
          Save schedules
        </Button>
      </footer>
    </form>
  );
}

interface ChoiceProps<V extends string> {
  wired: { id: string };
  value: V;
  of: Record<V, string>;
  onChange: (value: V) => void;
}

function Choice<V extends string>({ wired, value, of, onChange }: ChoiceProps<V>) {
  return (
    <select {...wired} value={value} onChange={(event) => onChange(event.target.value as V)}>
      {(Object.entries(of) as [V, string][]).map(([key, words]) => (
        <option key={key} value={key}>
          {words}
        </option>
      ))}
    </select>
  );
}

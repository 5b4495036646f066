/** The field of one parameter, made from its type. */

import type { Parameter } from "../../api/types";
import { Field } from "../../parts/Field";
import styles from "./FlowPage.module.css";
import { choicesOf, wordsOf, type Draft, type Zone } from "./parameters";

interface Props {
  parameter: Parameter;
  draft: Draft;
  onChange: (draft: Draft) => void;
  problem: string | null;
}

const KINDS: Record<Parameter["type"], string> = {
  str: "Text",
  int: "Whole number",
  float: "Number",
  bool: "Yes or no",
  date: "Day",
  datetime: "Day and time",
  list: "List, as JSON",
  json: "JSON",
};

export function ParameterField({ parameter, draft, onChange, problem }: Props) {
  const hint = (
    <>
      {parameter.description && <>{parameter.description} </>}
      <span>
        {KINDS[parameter.type]}
        {!parameter.required && <>; default {shortened(wordsOf(parameter.default))}</>}.
      </span>
    </>
  );
  return (
    <Field label={parameter.name} required={parameter.required} hint={hint} problem={problem}>
      {(wired) => {
        const shared = {
          ...wired,
          name: parameter.name,
          required: parameter.required,
          value: draft.text,
          onChange: (event: { target: { value: string } }) =>
            onChange({ ...draft, text: event.target.value }),
        };
        const choices = choicesOf(parameter);
        if (choices) return <Choice {...shared} choices={choices.map(wordsOf)} />;
        switch (parameter.type) {
          case "bool":
            return <YesNo {...shared} known={typeof parameter.default === "boolean"} />;
          case "int":
            return <input {...shared} inputMode="numeric" autoComplete="off" />;
          case "float":
            return <input {...shared} inputMode="decimal" autoComplete="off" />;
          case "date":
            return <input {...shared} type="date" />;
          case "datetime":
            return <Moment {...shared} draft={draft} onDraft={onChange} label={parameter.name} />;
          case "list":
          case "json":
            return (
              <textarea
                {...shared}
                rows={Math.min(Math.max(draft.text.split("\n").length, 2), 8)}
                spellCheck={false}
                className={styles.code}
              />
            );
          default:
            return (
              <input
                {...shared}
                autoComplete="off"
                placeholder={parameter.default === "" ? "empty" : undefined}
              />
            );
        }
      }}
    </Field>
  );
}

interface Shared {
  id: string;
  name: string;
  value: string;
  required: boolean;
  onChange: (event: { target: { value: string } }) => void;
}

function Choice({ choices, ...shared }: Shared & { choices: string[] }) {
  return (
    <select {...shared}>
      {(!shared.required || shared.value === "") && (
        <option value="">{shared.required ? "Choose …" : "Default"}</option>
      )}
      {choices.map((choice, index) => (
        <option key={choice} value={String(index)}>
          {choice}
        </option>
      ))}
    </select>
  );
}

function YesNo({ known, ...shared }: Shared & { known: boolean }) {
  return (
    <select {...shared}>
      {!known && <option value="">Choose …</option>}
      <option value="true">yes</option>
      <option value="false">no</option>
    </select>
  );
}

const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

function Moment({
  draft,
  onDraft,
  label,
  ...shared
}: Shared & { draft: Draft; onDraft: (draft: Draft) => void; label: string }) {
  return (
    <span className={styles.moment}>
      <input {...shared} type="datetime-local" step={1} />
      <select
        aria-label={`Time zone of ${label}`}
        value={draft.zone}
        onChange={(event) => onDraft({ ...draft, zone: event.target.value as Zone })}
      >
        <option value="utc">UTC</option>
        <option value="local">{HERE || "Local time"}</option>
        <option value="none">Without a zone</option>
      </select>
    </span>
  );
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

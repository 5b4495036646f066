/** Run a flow now: a form made from its parameters. */

import { useRef, useState, type FormEvent } from "react";

import { useSend } from "../../api/client";
import type { Run, WholeFlow } from "../../api/types";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Problem } from "../../parts/Problem";
import { useGoing } from "../../parts/useGoing";
import { runPath } from "../../paths";
import styles from "./FlowPage.module.css";
import { ParameterField } from "./ParameterField";
import { blamed, draftOf, readAll, type Draft } from "./parameters";

interface Props {
  flow: WholeFlow;
  open: boolean;
  onClose: () => void;
}

interface Start {
  flow: string;
  parameters: Record<string, unknown>;
  idempotency_key: string;
}

export function RunDialog({ flow, open, onClose }: Props) {
  const { parameters } = flow;
  const [drafts, setDrafts] = useState<Record<string, Draft>>({});
  const [tried, setTried] = useState(false);
  const send = useSend<Start, Run>("POST", "/runs");
  const going = useGoing();
  const form = useRef<HTMLFormElement>(null);
  const key = useKey();

  const { values, problems } = readAll(parameters, drafts);
  const refused = send.error ? blamed(send.error.what, parameters) : null;
  const problemOf = (name: string): string | null => {
    if (tried && problems[name]) return problems[name];
    if (refused !== name || !send.error) return null;
    return [send.error.what, send.error.fix].filter(Boolean).join("; ");
  };
  const start = (event?: FormEvent) => {
    event?.preventDefault();
    setTried(true);
    const wrong = parameters.find((parameter) => problems[parameter.name]);
    if (wrong) return focusOn(form.current, wrong.name);
    send.mutate(
      { flow: flow.name, parameters: values, idempotency_key: key(values) },
      {
        onSuccess: (run) => going(runPath(run.run_id)),
        onError: (error) => focusOn(form.current, blamed(error.what, parameters)),
      },
    );
  };
  return (
    <Dialog
      open={open}
      title={`Run ${flow.name}`}
      onClose={onClose}
      actions={
        <>
          {Object.keys(drafts).length > 0 && (
            <Button kind="quiet" onClick={() => setDrafts({})}>
              Reset
            </Button>
          )}
          <Button onClick={onClose}>Back</Button>
          <Button kind="main" icon="play" busy={send.isPending} onClick={() => start()}>
            Run now
          </Button>
        </>
      }
    >
      <form ref={form} className={styles.form} onSubmit={start} noValidate>
        {parameters.length === 0 && <p>It takes no parameters.</p>}
        {parameters.map((parameter) => (
          <ParameterField
            key={parameter.name}
            parameter={parameter}
            draft={drafts[parameter.name] ?? draftOf(parameter)}
            onChange={(draft) => {
              setDrafts({ ...drafts, [parameter.name]: draft });
              if (send.error) send.reset();
            }}
            problem={problemOf(parameter.name)}
          />
        ))}
        {send.error && !refused && <Problem error={send.error} />}
        {/* Enter in a field starts the run, too. */}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}

/** One key for each set of values, so that a request that is sent twice makes one run. */
function useKey(): (values: Record<string, unknown>) => string {
  const last = useRef({ text: "", key: "" });
  return (values) => {
    const text = JSON.stringify(values);
    if (last.current.text !== text || !last.current.key)
      last.current = { text, key: `page-${random()}` };
    return last.current.key;
  };
}

const random = (): string =>
  [...crypto.getRandomValues(new Uint8Array(12))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");

function focusOn(form: HTMLFormElement | null, name: string | null): void {
  const field = name === null ? null : form?.elements.namedItem(name);
  if (field instanceof HTMLElement) field.focus();
}

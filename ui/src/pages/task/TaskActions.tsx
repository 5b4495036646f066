/** What can be done about a task: do it again, take it for done, let it go on, stop its run. */

import { useState } from "react";

import { useGet, useSend } from "../../api/client";
import type { AskedOf, Me, Run, TaskRun, WholeRun } from "../../api/types";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { Problem } from "../../parts/Problem";
import { isFinished } from "../../parts/states";
import { useGoing } from "../../parts/useGoing";
import { taskPath } from "../../paths";
import { GoOn } from "./GoOn";
import styles from "./TaskPage.module.css";

interface Props {
  run: WholeRun;
  task: TaskRun;
  onTold: (text: string) => void;
}

/** States after which doing it again is what one comes for. */
const AGAIN = new Set(["Failed", "TimedOut", "Skipped", "Cancelled"]);

type Asking = "retry" | "cancel" | "mark" | null;

export function TaskActions({ run, task, onTold }: Props) {
  const me = useGet<Me>("/me", undefined, { fresh: 60_000 }).data;
  const [asking, ask] = useState<Asking>(null);
  const over = isFinished(run.state);
  if (me?.role === "view") return null;
  const close = () => ask(null);
  return (
    <>
      {task.state === "Paused" && !over && (
        <GoOn key={task.attempt} run={run.run_id} task={task} onTold={onTold} />
      )}
      {over && (
        <Button
          kind={AGAIN.has(task.state) ? "main" : "plain"}
          icon="retrying"
          onClick={() => ask("retry")}
        >
          Retry
        </Button>
      )}
      <Button onClick={() => ask("mark")}>Mark as …</Button>
      {!over && (
        <Button kind="danger" icon="stop" onClick={() => ask("cancel")}>
          Cancel run
        </Button>
      )}
      <RetryDialog open={asking === "retry"} run={run} task={task} onClose={close} />
      <MarkDialog open={asking === "mark"} run={run} task={task} onClose={close} onTold={onTold} />
      <CancelDialog open={asking === "cancel"} run={run} onClose={close} onTold={onTold} />
    </>
  );
}

const pathOf = (run: Run, action: string) => `/runs/${encodeURIComponent(run.run_id)}/${action}`;

/** What was asked, and whether it is done at once. */
const toldOf = (done: AskedOf, what: string): string =>
  done.now ? `${what}.` : `${what}. A retry of this run goes by it.`;

function RetryDialog({
  open,
  run,
  task,
  onClose,
}: {
  open: boolean;
  run: WholeRun;
  task: TaskRun;
  onClose: () => void;
}) {
  const send = useSend<{ tasks: string[] }, Run>("POST", pathOf(run, "retry"));
  const going = useGoing();
  return (
    <Dialog
      open={open}
      title={`Retry ${task.name}?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Back</Button>
          <Button
            kind="main"
            icon="retrying"
            busy={send.isPending}
            onClick={() =>
              send.mutate(
                { tasks: [task.key] },
                { onSuccess: (made) => going(taskPath(made.run_id, task.key)) },
              )
            }
          >
            Retry this and what is below it
          </Button>
        </>
      }
    >
      <div className={styles.dialog}>
        <p>
          A new run does this task and all that depends on it again, with the parameters of this
          run. What succeeded above it is not run again.
        </p>
        {send.error && <Problem error={send.error} />}
      </div>
    </Dialog>
  );
}

const MARKS = [
  ["Success", "Counts as done; a retry does not run it again."],
  ["Failed", "Counts as failed; a retry runs it, with all that depends on it."],
  ["Skipped", "Left out, with all that depends on it."],
] as const;

interface MarkProps extends Props {
  open: boolean;
  onClose: () => void;
}

function MarkDialog({ open, run, task, onClose, onTold }: MarkProps) {
  const [state, setState] = useState<string>("Success");
  const [reason, setReason] = useState("");
  const [tried, setTried] = useState(false);
  const send = useSend<object, AskedOf>("POST", pathOf(run, "mark"));
  const mark = () => {
    setTried(true);
    if (!reason.trim()) return;
    send.mutate(
      { key: task.key, state, reason: reason.trim() },
      {
        onSuccess: (done) => {
          onClose();
          setReason("");
          setTried(false);
          onTold(toldOf(done, `Marked as ${state.toLowerCase()}`));
        },
      },
    );
  };
  return (
    <Dialog
      open={open}
      title={`Mark ${task.name}`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Back</Button>
          <Button kind="main" busy={send.isPending} onClick={mark}>
            Mark as {state.toLowerCase()}
          </Button>
        </>
      }
    >
      <div className={styles.dialog}>
        <fieldset className={styles.choices}>
          <legend>State</legend>
          {MARKS.map(([value, means]) => (
            <label key={value}>
              <input
                type="radio"
                name="state"
                value={value}
                checked={state === value}
                onChange={() => setState(value)}
              />
              <span>
                <strong>{value}</strong>
                <span className={styles.quiet}>{means}</span>
              </span>
            </label>
          ))}
        </fieldset>
        <Field
          label="Reason"
          required
          hint="Kept with your name in the history of the run."
          problem={
            tried && !reason.trim() ? "Say why, for those who look at this run later." : null
          }
        >
          {(wired) => (
            <textarea
              {...wired}
              rows={3}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
        {send.error && <Problem error={send.error} />}
      </div>
    </Dialog>
  );
}

interface CancelProps {
  open: boolean;
  run: WholeRun;
  onClose: () => void;
  onTold: (text: string) => void;
}

function CancelDialog({ open, run, onClose, onTold }: CancelProps) {
  const [reason, setReason] = useState("");
  const send = useSend<object, AskedOf>("POST", pathOf(run, "cancel"));
  return (
    <Dialog
      open={open}
      title={`Cancel run ${run.run_id.slice(0, 8)}?`}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Keep it running</Button>
          <Button
            kind="danger"
            icon="stop"
            busy={send.isPending}
            onClick={() =>
              send.mutate(reason.trim() ? { reason: reason.trim() } : {}, {
                onSuccess: () => {
                  onClose();
                  onTold("The run was asked to stop.");
                },
              })
            }
          >
            Cancel the run
          </Button>
        </>
      }
    >
      <div className={styles.dialog}>
        <p>All tasks of {run.flow} that still run are stopped; those that wait never begin.</p>
        <Field label="Reason">
          {(wired) => (
            <input {...wired} value={reason} onChange={(event) => setReason(event.target.value)} />
          )}
        </Field>
        {send.error && <Problem error={send.error} />}
      </div>
    </Dialog>
  );
}

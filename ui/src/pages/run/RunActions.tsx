/** What can be done with a run: finish it, stop it, hold it against the one before, send its address. */

import { useQuery } from "@tanstack/react-query";
import { useState, type JSX } from "react";

import { get, useGet, useSend } from "../../api/client";
import type { AskedOf, Me, Run, RunList, WholeRun } from "../../api/types";
import { comparePath, runPath } from "../../paths";
import { Button } from "../../parts/Button";
import { Copy } from "../../parts/Copy";
import { Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { Link } from "../../parts/Link";
import { Problem } from "../../parts/Problem";
import { isFinished, toneOf } from "../../parts/states";
import { useGoing } from "../../parts/useGoing";
import styles from "./RunPage.module.css";

/** The run before, and this one, if both were made in one moment. */
const BACK = 2;

export function RunActions({ run }: { run: WholeRun }): JSX.Element {
  const me = useGet<Me>("/me", undefined, { fresh: 60_000 }).data;
  const may = me === undefined || me.role !== "view";
  const before = useRunBefore(run);
  const over = isFinished(run.state);
  const tone = toneOf(run.state);
  return (
    <>
      {over && (tone === "failed" || tone === "cancelled") && <Retry run={run} may={may} />}
      {!over && <Cancel run={run} may={may} />}
      {before && (
        <Link className={styles.like} to={comparePath(before.run_id, run.run_id)}>
          Compare with previous
        </Link>
      )}
      <Copy text={() => window.location.href} label="Copy link" />
    </>
  );
}

const REFUSED = "Your token may only look. Ask an administrator for one with the role “run”.";

/** The run of the same flow that was made just before. */
function useRunBefore(run: WholeRun): Run | undefined {
  const found = useQuery({
    queryKey: ["run before", run.run_id],
    queryFn: () => get<RunList>("/runs", { flow: run.flow, until: run.created, limit: BACK }),
    staleTime: 60_000,
  });
  return found.data?.runs.find((each) => each.run_id !== run.run_id && each.created <= run.created);
}

function Retry({ run, may }: { run: WholeRun; may: boolean }): JSX.Element {
  const go = useGoing();
  const retry = useSend<object, Run>("POST", `/runs/${encodeURIComponent(run.run_id)}/retry`);
  return (
    <>
      <Button
        kind="main"
        icon="retrying"
        busy={retry.isPending}
        disabled={!may}
        title={
          may
            ? "A new run does what failed and what was left out; the rest is taken from this one"
            : REFUSED
        }
        onClick={() => retry.mutate({}, { onSuccess: (made) => go(runPath(made.run_id)) })}
      >
        Retry from failure
      </Button>
      <Dialog open={retry.isError} title="It was not retried" onClose={() => retry.reset()}>
        <Problem error={retry.error} />
      </Dialog>
    </>
  );
}

function Cancel({ run, may }: { run: WholeRun; may: boolean }): JSX.Element {
  const [asking, ask] = useState(false);
  const [reason, setReason] = useState("");
  const cancel = useSend<{ reason?: string }, AskedOf>(
    "POST",
    `/runs/${encodeURIComponent(run.run_id)}/cancel`,
  );
  const asked = run.requests.some((each) => each.action === "cancel") || cancel.isSuccess;
  const close = (): void => {
    ask(false);
    cancel.reset();
  };
  const act = (): void =>
    cancel.mutate(reason.trim() ? { reason: reason.trim() } : {}, { onSuccess: () => ask(false) });
  return (
    <>
      <Button
        kind="danger"
        icon="stop"
        disabled={!may || asked}
        title={may ? undefined : REFUSED}
        onClick={() => ask(true)}
      >
        {asked ? "Being cancelled" : "Cancel run"}
      </Button>
      <Dialog
        open={asking}
        title={`Cancel this run of ${run.flow}?`}
        onClose={close}
        actions={
          <>
            <Button onClick={close}>Let it run</Button>
            <Button kind="danger" icon="stop" busy={cancel.isPending} onClick={act}>
              Cancel run
            </Button>
          </>
        }
      >
        <p>
          Tasks under way are stopped with everything they started; what is done stays done. A retry
          goes on from there.
        </p>
        <Field label="Reason" hint="It is kept with the run.">
          {(wired) => (
            <input
              {...wired}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
              maxLength={300}
            />
          )}
        </Field>
        {cancel.error && <Problem error={cancel.error} />}
      </Dialog>
    </>
  );
}

/** Letting a task go on that waits for somebody's word: it was never begun, or it paused itself. */

import type { JSX } from "react";

import { useSend } from "../../api/client";
import type { AskedOf, TaskRun } from "../../api/types";
import { Button } from "../../parts/Button";
import { Problem } from "../../parts/Problem";

interface Props {
  run: string;
  task: TaskRun;
  onTold?: (text: string) => void;
}

export function GoOn({ run, task, onTold }: Props): JSX.Element {
  const begins = task.attempt === 0;
  const path = `/runs/${encodeURIComponent(run)}/${begins ? "approve" : "resume"}`;
  const send = useSend<{ key: string }, AskedOf>("POST", path);
  return (
    <>
      {send.error && <Problem error={send.error} />}
      <Button
        kind="main"
        icon="play"
        busy={send.isPending}
        disabled={send.isSuccess}
        onClick={() =>
          send.mutate(
            { key: task.key },
            { onSuccess: () => onTold?.(begins ? "Approved." : "It goes on.") },
          )
        }
      >
        {begins ? "Approve" : "Resume"}
      </Button>
    </>
  );
}

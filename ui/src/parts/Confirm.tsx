/** Asks once more before something is sent that cannot simply be taken back. */

import type { ReactNode } from "react";

import { useSend } from "../api/client";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Problem } from "./Problem";

interface Props {
  title: string;
  /** What the button says that does it. */
  word: string;
  /** Where it is sent by POST, and what. */
  path: string;
  body: Record<string, unknown>;
  onClose: () => void;
  onDone: () => void;
  children: ReactNode;
}

export function Confirm({ title, word, path, body, onClose, onDone, children }: Props) {
  const send = useSend<Record<string, unknown>>("POST", path);
  const done = () => {
    onClose();
    onDone();
  };
  return (
    <Dialog
      open
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Back</Button>
          <Button
            kind="main"
            busy={send.isPending}
            onClick={() => send.mutate(body, { onSuccess: done })}
          >
            {word}
          </Button>
        </>
      }
    >
      {children}
      {send.error && <Problem error={send.error} />}
    </Dialog>
  );
}

/** A modal dialog: the browser's own, so focus stays inside and Escape closes. */

import { useEffect, useId, useRef, type ReactNode } from "react";

import { Button } from "./Button";
import styles from "./Dialog.module.css";

interface Props {
  open: boolean;
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Buttons at the foot. */
  actions?: ReactNode;
  wide?: boolean;
  /** No heading is shown; the title only names the dialog. */
  plain?: boolean;
}

export function Dialog(props: Props) {
  return props.open ? <Opened {...props} /> : null;
}

function Opened({ title, onClose, children, actions, wide, plain }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = box.current;
    if (dialog && !dialog.open) dialog.showModal();
    // The browser would begin at what stands first: the button that closes.
    dialog?.querySelector<HTMLElement>("input, select, textarea")?.focus();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={box}
      className={styles.dialog}
      data-wide={wide || undefined}
      data-plain={plain || undefined}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === box.current) onClose();
      }}
    >
      <div className={styles.inside}>
        <header className={plain ? "unseen" : styles.head}>
          <h2 id={id}>{title}</h2>
          {!plain && (
            <Button kind="quiet" icon="close" bare onClick={onClose}>
              Close
            </Button>
          )}
        </header>
        <div className={styles.body}>{children}</div>
        {actions && <footer className={styles.foot}>{actions}</footer>}
      </div>
    </dialog>
  );
}

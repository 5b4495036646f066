/** A button; `busy` keeps it from being pressed twice. */

import type { ButtonHTMLAttributes, ReactNode } from "react";

import styles from "./Button.module.css";
import { Icon, type IconName } from "./icons";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "plain" | "main" | "danger" | "quiet";
  icon?: IconName;
  busy?: boolean;
  /** Only the icon is shown; the children name the button. */
  bare?: boolean;
  children: ReactNode;
}

export function Button({ kind = "plain", icon, busy, bare, children, disabled, ...rest }: Props) {
  return (
    <button
      type="button"
      {...rest}
      className={[styles.button, rest.className].filter(Boolean).join(" ")}
      data-kind={kind}
      data-bare={bare || undefined}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      title={rest.title ?? (bare && typeof children === "string" ? children : undefined)}
    >
      {icon && <Icon name={icon} />}
      <span className={bare ? "unseen" : undefined}>{children}</span>
    </button>
  );
}

/** A button that copies a text. */

import { useEffect, useState } from "react";

import { Button } from "./Button";

interface Props {
  text: string | (() => string);
  /** What the button is called: "Copy SQL". */
  label?: string;
  /** Only the icon is shown. */
  bare?: boolean;
}

export function Copy({ text, label = "Copy", bare = false }: Props) {
  const [told, tell] = useState<"" | "Copied" | "Not copied">("");
  useEffect(() => {
    if (!told) return;
    const timer = window.setTimeout(() => tell(""), 2000);
    return () => window.clearTimeout(timer);
  }, [told]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : text());
      tell("Copied");
    } catch {
      tell("Not copied");
    }
  };
  return (
    <Button
      kind="quiet"
      bare={bare}
      icon={told === "Copied" ? "success" : "copy"}
      onClick={() => void copy()}
    >
      <span aria-live="polite">{told || label}</span>
    </Button>
  );
}

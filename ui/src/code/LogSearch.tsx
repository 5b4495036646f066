/** Search in a log by the server: next, previous, and round again at its ends. */

import { useState } from "react";

import type { Query } from "../api/client";
import type { Logs } from "../api/types";
import { Button } from "../parts/Button";
import styles from "./LogView.module.css";

interface Props {
  value: string;
  onChange: (text: string) => void;
  /** The line from which is looked. */
  from: number | null;
  look: (words: Query) => Promise<Logs>;
  onFound: (seq: number) => void;
}

export function LogSearch({ value, onChange, from, look, onFound }: Props) {
  const [told, tell] = useState("");
  const [busy, setBusy] = useState(false);
  const go = async (way: "next" | "previous") => {
    if (!value || busy) return;
    setBusy(true);
    try {
      const [seq, round] = await found(look, value, way, from);
      tell(
        seq === null
          ? "Not found"
          : round
            ? way === "next"
              ? "From the top"
              : "From the end"
            : "",
      );
      if (seq !== null) onFound(seq);
    } catch (error) {
      tell(error instanceof Error ? error.message : "Not found");
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      role="search"
      className={styles.search}
      onSubmit={(event) => {
        event.preventDefault();
        void go("next");
      }}
    >
      <input
        type="search"
        aria-label="Search the log"
        placeholder="Search the log"
        value={value}
        onChange={(event) => {
          tell("");
          onChange(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !event.shiftKey) return;
          event.preventDefault();
          void go("previous");
        }}
      />
      <Button kind="quiet" bare icon="up" disabled={!value} onClick={() => void go("previous")}>
        Previous match
      </Button>
      <Button kind="quiet" bare icon="down" type="submit" disabled={!value}>
        Next match
      </Button>
      <span className={styles.told} role="status">
        {told}
      </span>
    </form>
  );
}

/** The next match, and whether the search went round. */
async function found(
  look: Props["look"],
  text: string,
  way: "next" | "previous",
  from: number | null,
): Promise<[number | null, boolean]> {
  const first = way === "next" ? { after: from ?? 0 } : from ? { before: from } : { tail: 1 };
  const hit = (await look({ search: text, ...first })).lines;
  if (hit[0]) return [hit[0].seq, false];
  if (!from) return [null, false];
  const again = await look({ search: text, ...(way === "next" ? { after: 0 } : { tail: 1 }) });
  return [again.lines[0]?.seq ?? null, true];
}

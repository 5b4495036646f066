/** Which of the eight tones a state is shown in. */

export type Tone =
  "success" | "failed" | "running" | "pending" | "skipped" | "retrying" | "cancelled" | "warned";

const TONES: Record<string, Tone> = {
  Success: "success",
  Cached: "success",
  Failed: "failed",
  TimedOut: "failed",
  Crashed: "failed",
  Running: "running",
  Submitted: "running",
  Retrying: "retrying",
  Paused: "retrying",
  Skipped: "skipped",
  Cancelled: "cancelled",
};

const WORDS: Record<string, string> = { TimedOut: "Timed out" };

const FINISHED = new Set([
  "Success",
  "Cached",
  "Failed",
  "TimedOut",
  "Crashed",
  "Skipped",
  "Cancelled",
]);

/** The tone of a state; dbt's `warn` (the tool's own word) is shown apart from a plain success. */
export function toneOf(state: string | null | undefined, status?: string | null): Tone {
  const tone = TONES[state ?? ""] ?? "pending";
  return tone === "success" && status === "warn" ? "warned" : tone;
}

/** The word people read. */
export const wordOf = (state: string): string => WORDS[state] ?? state;

export const isFinished = (state: string): boolean => FINISHED.has(state);

/** The CSS colour of a state, as `var(--state-…)`. */
export const colourOf = (state: string | null | undefined, status?: string | null): string =>
  `var(--state-${toneOf(state, status)})`;

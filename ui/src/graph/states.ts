/** Which of many states matters most, and how a state reads; tones are those of every page. */

import { toneOf, wordOf, type Tone } from "../parts/states";

export type Counts = Readonly<Record<string, number>>;

export interface Look {
  tone: Tone;
  word: string;
}

/** dbt's own word for a success that is not quite one makes a state of its own. */
export function shownState(state: string, status?: string | null): string {
  return toneOf(state, status) === "warned" ? "Warned" : state;
}

/** How a shown state looks: a tone, which has an icon of its own, and a word. */
export function lookOf(shown: string): Look {
  return shown === "Warned"
    ? { tone: "warned", word: "Warned" }
    : { tone: toneOf(shown), word: wordOf(shown) };
}

/** In the order in which people want to hear of them. */
export const BY_WEIGHT: readonly string[] = [
  "Failed",
  "TimedOut",
  "Crashed",
  "Retrying",
  "Running",
  "Paused",
  "Submitted",
  "Cancelled",
  "Warned",
  "Pending",
  "Skipped",
  "Success",
  "Cached",
];

const weight = (state: string): number => {
  const at = BY_WEIGHT.indexOf(state);
  return at < 0 ? BY_WEIGHT.length : at;
};

export const byWeight = (a: string, b: string): number => weight(a) - weight(b);

/** `[state, count]`, the weightiest first. */
export function weighed(counts: Counts): [string, number][] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .sort(([a], [b]) => byWeight(a, b));
}

/** The state a group is coloured by. */
export function worst(counts: Counts): string {
  return weighed(counts)[0]?.[0] ?? "Pending";
}

export function countStates(states: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const state of states) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

export const isBroken = (state: string): boolean => lookOf(state).tone === "failed";

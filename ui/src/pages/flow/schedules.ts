/** Schedules as a deployment keeps them, and as a form changes them. */

import type { Query } from "../../api/client";

export interface Draft {
  name: string;
  cron: string;
  timezone: string;
  gap: "end" | "shift" | "skip";
  overlap: "first" | "second" | "both";
  parameters: Record<string, unknown>;
}

/** A schedule of a deployment; the form understands those with one cron clock and nothing else. */
export type Kept = Record<string, unknown>;

export const GAPS: Record<Draft["gap"], string> = {
  end: "at the end of the gap",
  shift: "as late as without the change",
  skip: "not at all",
};

export const OVERLAPS: Record<Draft["overlap"], string> = {
  first: "the first time",
  second: "the second time",
  both: "both times",
};

export const nameOf = (kept: Kept): string => (typeof kept.name === "string" ? kept.name : "main");

/** The draft of a kept schedule; null if a form would lose some of it. */
export function draftOf(kept: Kept): Draft | null {
  const clocks = Array.isArray(kept.clocks) ? (kept.clocks as Record<string, unknown>[]) : [];
  const [clock] = clocks;
  const rules = ["filters", "or_filters", "not_filters", "adjustments"];
  const plain = rules.every(
    (rule) => !Array.isArray(kept[rule]) || (kept[rule] as unknown[]).length === 0,
  );
  const usual =
    clock &&
    !clock.start_date &&
    !clock.end_date &&
    !(clock.labels as unknown[] | undefined)?.length;
  if (!clock || clocks.length > 1 || clock.clock !== "cron" || !plain || !usual) return null;
  return {
    name: nameOf(kept),
    cron: String(clock.expression ?? ""),
    timezone: String(clock.timezone ?? "UTC"),
    gap: clock.gap === "shift" || clock.gap === "skip" ? clock.gap : "end",
    overlap: clock.overlap === "second" || clock.overlap === "both" ? clock.overlap : "first",
    parameters: (clock.parameters as Record<string, unknown> | undefined) ?? {},
  };
}

/** A name that no other schedule has. */
export function freeName(drafts: Draft[]): string {
  const taken = new Set(drafts.map((draft) => draft.name));
  for (let number = 1; ; number++) {
    const name = number === 1 ? "main" : `main-${number}`;
    if (!taken.has(name)) return name;
  }
}

/** What is wrong with a list of drafts, by place; the server judges the rest. */
export function problemsOf(drafts: Draft[]): Record<number, string> {
  const problems: Record<number, string> = {};
  drafts.forEach((draft, index) => {
    if (!draft.name.trim()) problems[index] = "It needs a name.";
    else if (drafts.findIndex((other) => other.name.trim() === draft.name.trim()) < index)
      problems[index] = "Another schedule has this name.";
  });
  return problems;
}

/** The words by which the API previews a draft; null while there is nothing to preview. */
export function previewOf(draft: Draft): Query | null {
  if (!draft.cron.trim() || !draft.timezone.trim()) return null;
  const { cron, timezone, gap, overlap } = draft;
  return { cron: cron.trim(), timezone: timezone.trim(), gap, overlap };
}

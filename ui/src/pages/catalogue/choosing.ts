/** Which datasets of the catalogue are shown: by words, layer, kind, freshness and tests. */

import type { DatasetRow } from "../../api/types";
import { many, one, type Search } from "../../parts/url";

export type Fresh = "fresh" | "stale" | "unknown";
export type Tested = "failing" | "passing" | "unknown" | "none";

export interface Choice {
  words: string;
  layers: string[];
  kinds: string[];
  fresh: string;
  tests: string;
}

/** The choice that an address holds. */
export const choiceOf = (search: Search): Choice => ({
  words: one(search.search),
  layers: many(search.layer),
  kinds: many(search.kind),
  fresh: one(search.fresh),
  tests: one(search.tests),
});

export const freshOf = ({ fresh }: DatasetRow): Fresh =>
  fresh?.ok === true ? "fresh" : fresh?.ok === false ? "stale" : "unknown";

export function testedOf({ tests }: DatasetRow): Tested {
  if (tests.failed > 0) return "failing";
  if (tests.passed > 0) return tests.unknown > 0 ? "unknown" : "passing";
  return tests.unknown > 0 ? "unknown" : "none";
}

/** The datasets that fit every part of a choice; all words must be found in name or description. */
export function chosen(rows: readonly DatasetRow[], choice: Choice): DatasetRow[] {
  const words = choice.words.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    const text = `${row.name} ${row.description ?? ""}`.toLowerCase();
    return (
      words.every((word) => text.includes(word)) &&
      (choice.layers.length === 0 || choice.layers.includes(row.layer ?? "")) &&
      (choice.kinds.length === 0 || choice.kinds.includes(row.kind ?? "")) &&
      (!choice.fresh || freshOf(row) === choice.fresh) &&
      (!choice.tests || testedOf(row) === choice.tests)
    );
  });
}

/** Every value that occurs, each with how often, most first. */
export function counted(values: readonly (string | null)[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

/** Where a dataset stands when sorted by tests: those that fail come first. */
export const testRank = (row: DatasetRow): number =>
  ["failing", "unknown", "none", "passing"].indexOf(testedOf(row));

/** What an address says that narrows nothing. */
export const CLEARED = {
  search: undefined,
  layer: undefined,
  kind: undefined,
  fresh: undefined,
  tests: undefined,
};

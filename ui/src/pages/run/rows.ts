/** The rows that timeline and table show: filtered, sorted, grouped, and folded as the graph is. */

import { groupKey, groupNameOf, type GroupBy } from "../../graph/grouping";
import { wordsOf } from "../../graph/search";
import { byWeight, countStates, type Counts } from "../../graph/states";
import type { Entry } from "./entries";

export interface GroupRow {
  type: "group";
  key: string;
  name: string;
  level: number;
  open: boolean;
  members: readonly Entry[];
  counts: Counts;
}

export interface EntryRow {
  type: "entry";
  key: string;
  entry: Entry;
  level: number;
  /** null where there is nothing below it. */
  open: boolean | null;
  counts: Counts | null;
}

export type Row = GroupRow | EntryRow;

export type SortBy = "start" | "name" | "state" | "duration" | "slower" | "rows" | "attempts";

export interface Sort {
  by: SortBy;
  down: boolean;
}

export interface Shown {
  by: GroupBy;
  /** Names of the groups that are unfolded. */
  open: ReadonlySet<string>;
  /** Keys of tasks whose elements or dbt nodes are shown. */
  unfolded: ReadonlySet<string>;
  search: string;
  states: ReadonlySet<string>;
  sort: Sort;
}

/** How many times longer than usual it took. */
export const slowness = (entry: Entry): number | null =>
  entry.seconds !== null && entry.expected !== null && entry.expected > 0
    ? entry.seconds / entry.expected
    : null;

const instant = (text: string | null): number | null => (text ? Date.parse(text) : null);

/** Numbers by size, nothing at the end whichever way it is sorted. */
function numbers(a: number | null, b: number | null, down: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return down ? b - a : a - b;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

export function comparing({ by, down }: Sort): (a: Entry, b: Entry) => number {
  const turn = down ? -1 : 1;
  switch (by) {
    case "name":
      return (a, b) => turn * collator.compare(a.name, b.name);
    case "state":
      return (a, b) => turn * byWeight(a.state, b.state);
    case "duration":
      return (a, b) => numbers(a.seconds, b.seconds, down);
    case "slower":
      return (a, b) => numbers(slowness(a), slowness(b), down);
    case "rows":
      return (a, b) => numbers(a.rows, b.rows, down);
    case "attempts":
      return (a, b) => numbers(a.attempt, b.attempt, down);
    case "start":
      return (a, b) => numbers(instant(a.started), instant(b.started), down);
  }
}

export function matching(shown: Pick<Shown, "search" | "states">): (entry: Entry) => boolean {
  const words = wordsOf(shown.search);
  return (entry) => {
    if (shown.states.size > 0 && !shown.states.has(entry.state)) return false;
    if (words.length === 0) return true;
    const hay = [
      entry.name,
      entry.key,
      entry.path,
      entry.folder,
      entry.layer,
      entry.kind,
      ...entry.tags,
    ]
      .join("\n")
      .toLowerCase();
    return words.every((word) => hay.includes(word));
  };
}

/** The rows to show, in order. */
export function rowsOf(entries: readonly Entry[], shown: Shown): Row[] {
  const fits = matching(shown);
  const sort = comparing(shown.sort);
  const filtered = shown.states.size > 0 || wordsOf(shown.search).length > 0;
  const kept = entries.filter((entry) => fits(entry) || entry.kids.some(fits)).sort(sort);
  const below = (list: readonly Entry[], level: number): Row[] =>
    list.flatMap((entry) =>
      withKids(entry, level, shown, filtered && !fits(entry) ? fits : null, sort),
    );
  if (shown.by === "none") return below(kept, 1);
  const { by } = shown;
  const groups = new Map<string, Entry[]>();
  for (const entry of kept) {
    const name = groupNameOf({ ...entry, resource_type: entry.kind }, by);
    const members = groups.get(name);
    if (members) members.push(entry);
    else groups.set(name, [entry]);
  }
  return inOrder(groups, shown.sort).flatMap(([name, members]): Row[] => {
    const open = shown.open.has(name);
    const head: GroupRow = {
      type: "group",
      key: groupKey(by, name),
      name,
      level: 1,
      open,
      members,
      counts: countStates(members.map((member) => member.state)),
    };
    return open ? [head, ...below(members, 2)] : [head];
  });
}

/** Groups by name; where rows go by their start, so do the groups. */
function inOrder(groups: ReadonlyMap<string, Entry[]>, sort: Sort): [string, Entry[]][] {
  const list = [...groups];
  return sort.by === "start" ? list : list.sort(([a], [b]) => collator.compare(a, b));
}

function withKids(
  entry: Entry,
  level: number,
  shown: Shown,
  only: ((kid: Entry) => boolean) | null,
  sort: (a: Entry, b: Entry) => number,
): Row[] {
  const kids = only ? entry.kids.filter(only) : entry.kids;
  const open = kids.length === 0 ? null : shown.unfolded.has(entry.key);
  const counts = entry.kids.length > 0 ? countStates(entry.kids.map((kid) => kid.state)) : null;
  const head: EntryRow = { type: "entry", key: entry.key, entry, level, open, counts };
  if (!open) return [head];
  const sorted = [...kids].sort(sort);
  return [
    head,
    ...sorted.map((kid): Row => ({
      type: "entry",
      key: kid.key,
      entry: kid,
      level: level + 1,
      open: null,
      counts: null,
    })),
  ];
}

/** What of the run page lives in its address, and back. */

import type { GroupBy } from "../../graph/grouping";
import { GROUPINGS } from "../../graph/grouping";
import { PLAIN, type GraphView } from "../../graph/view";
import { many, one, type Search } from "../../parts/url";
import type { Sort, SortBy } from "./rows";

export type ViewName = "graph" | "timeline" | "tasks" | "log";
export const VIEWS: readonly ViewName[] = ["graph", "timeline", "tasks", "log"];

export interface RunView extends GraphView {
  view: ViewName;
  states: readonly string[];
  /** Keys of tasks whose elements or dbt nodes are shown. */
  unfolded: readonly string[];
  sort: Sort;
  /** Stretch of the timeline, in milliseconds after the run's beginning; null for all of it. */
  range: readonly [number, number] | null;
}

const SORTS: readonly SortBy[] = [
  "start",
  "name",
  "state",
  "duration",
  "slower",
  "rows",
  "attempts",
];
const AS_BEGUN: Sort = { by: "start", down: false };

function sortOf(text: string): Sort {
  const by = SORTS.find((each) => text === each || text === `-${each}`);
  return by ? { by, down: text.startsWith("-") } : AS_BEGUN;
}

function hopsOf(text: string): number | null {
  return text === "all" ? null : Math.max(0, Math.min(99, Number.parseInt(text, 10) || 0));
}

function rangeOf(text: string): readonly [number, number] | null {
  const match = /^(\d+)-(\d+)$/.exec(text);
  if (!match) return null;
  const [from, to] = [Number(match[1]), Number(match[2])];
  return to > from ? [from, to] : null;
}

export function viewOf(search: Search): RunView {
  const by = GROUPINGS.find((each) => each === one(search["by"])) ?? null;
  const around = one(search["around"]);
  return {
    ...PLAIN,
    view: VIEWS.find((each) => each === one(search["view"])) ?? "graph",
    selected: one(search["task"]) || null,
    search: one(search["q"]),
    states: many(search["state"]),
    by: by as GroupBy | null,
    open: many(search["open"]),
    unfolded: many(search["below"]),
    focus: around
      ? {
          key: around,
          up: hopsOf(one(search["up"]) || "1"),
          down: hopsOf(one(search["down"]) || "1"),
        }
      : null,
    critical: one(search["path"]) !== "off",
    list: one(search["list"]) === "on",
    sort: sortOf(one(search["sort"])),
    range: rangeOf(one(search["range"])),
  };
}

export function searchOf(view: RunView): Search {
  const hops = (count: number | null): string => (count === null ? "all" : String(count));
  const list = (words: readonly string[]): string[] | undefined =>
    words.length > 0 ? [...words] : undefined;
  return {
    view: view.view === "graph" ? undefined : view.view,
    task: view.selected ?? undefined,
    q: view.search || undefined,
    state: list(view.states),
    by: view.by ?? undefined,
    open: list(view.open),
    below: list(view.unfolded),
    around: view.focus?.key,
    up: view.focus ? hops(view.focus.up) : undefined,
    down: view.focus ? hops(view.focus.down) : undefined,
    path: view.critical ? undefined : "off",
    list: view.list ? "on" : undefined,
    sort:
      view.sort.by === "start" && !view.sort.down
        ? undefined
        : `${view.sort.down ? "-" : ""}${view.sort.by}`,
    range: view.range ? `${Math.round(view.range[0])}-${Math.round(view.range[1])}` : undefined,
  };
}

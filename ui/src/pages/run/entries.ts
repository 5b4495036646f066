/** One entry a task: what graph, task runs and timeline each know of it, and what lies below it. */

import type { GraphNode, Span, TaskRun, Timeline, TimelineNode } from "../../api/types";
import { shownName } from "../../graph/model";
import { parentOf } from "../../graph/mapped";
import { shownState } from "../../graph/states";

export interface Entry {
  /** Unique on this page. */
  key: string;
  name: string;
  kind: string;
  folder: string | null;
  layer: string | null;
  tags: readonly string[];
  path: string | null;
  state: string;
  started: string | null;
  finished: string | null;
  /** What it took; null before its end. */
  seconds: number | null;
  /** What it usually takes. */
  expected: number | null;
  rows: number | null;
  attempt: number;
  message: string | null;
  spans: readonly Span[];
  critical: boolean;
  /** Elements of a mapped task, or the dbt nodes that one task ran. */
  kids: Entry[];
  /** The task whose page tells more of it. */
  task: string;
}

const secondsOf = (started: string | null, finished: string | null): number | null =>
  started && finished ? Math.max(0, (Date.parse(finished) - Date.parse(started)) / 1000) : null;

function messageOf(task: TaskRun): string | null {
  const line = task.detail?.["error_line"];
  return (typeof line === "string" && line) || task.message || null;
}

/** What the task itself tells of its time, for as long as the timeline has not come. */
function lastTry({ started, finished, attempt, state }: TaskRun): Span[] {
  if (!started || attempt === 0) return [];
  return [{ kind: "running", started, finished, attempt, state, worker: null }];
}

function entryOf(
  task: TaskRun,
  node: GraphNode | undefined,
  row: TimelineNode | undefined,
  critical: boolean,
): Entry {
  return {
    key: task.key,
    name: shownName(task.name, task.key),
    kind: task.resource_type,
    folder: node?.folder ?? row?.folder ?? null,
    layer: node?.layer ?? row?.layer ?? null,
    tags: node?.tags ?? [],
    path: task.path ?? node?.path ?? null,
    state: shownState(task.state, task.status),
    started: task.started,
    finished: task.finished,
    seconds: secondsOf(task.started, task.finished),
    expected: node?.expected ?? null,
    rows: task.rows,
    attempt: task.attempt,
    message: messageOf(task),
    spans: row?.spans ?? lastTry(task),
    critical,
    kids: [],
    task: task.key,
  };
}

/** A dbt node that a task told of: it has spans and a state, but no page of its own. */
function nodeEntry(node: TimelineNode, parent: Entry): Entry {
  const first = node.spans[0]?.started ?? null;
  const last = node.spans.at(-1)?.finished ?? null;
  return {
    key: `${parent.key}\u0001${node.key}`,
    name: shownName(node.name, node.key),
    kind: node.resource_type,
    folder: node.folder,
    layer: node.layer,
    tags: [],
    path: null,
    state: node.state,
    started: first,
    finished: last,
    seconds: secondsOf(first, last),
    expected: null,
    rows: null,
    attempt: 1,
    message: null,
    spans: node.spans,
    critical: node.critical,
    kids: [],
    task: parent.key,
  };
}

/** The entries of a run, elements and dbt nodes below the task they belong to. */
export function entriesOf(
  tasks: readonly TaskRun[],
  nodes: readonly GraphNode[],
  timeline: Timeline | undefined,
): Entry[] {
  const drawn = new Map(nodes.map((node) => [node.key, node]));
  const rows = new Map((timeline?.rows ?? []).map((row) => [row.key, row]));
  const path = new Set(timeline?.critical_path ?? []);
  const known = new Set(tasks.map((task) => task.key));
  const isKnown = (key: string): boolean => known.has(key);
  const entries = new Map<string, Entry>();
  for (const task of tasks) {
    const entry = entryOf(task, drawn.get(task.key), rows.get(task.key), path.has(task.key));
    entry.kids = (rows.get(task.key)?.nodes ?? []).map((node) => nodeEntry(node, entry));
    entries.set(task.key, entry);
  }
  const top: Entry[] = [];
  for (const entry of entries.values()) {
    const parent = entry.key.endsWith("]") ? parentOf(entry.key, isKnown) : null;
    const above = parent === null ? undefined : entries.get(parent);
    if (above) above.kids.push(entry);
    else top.push(entry);
  }
  return top;
}

import { expect, test } from "vitest";
import type { GraphNode, TaskRun, Timeline } from "../../api/types";
import { searchOf, viewOf } from "./address";
import { entriesOf, type Entry } from "./entries";
import { rowsOf, type Shown } from "./rows";
import { carriedOn, extent, spansAfter } from "./spans";

const task = (key: string, more: Partial<TaskRun> = {}): TaskRun => ({
  key,
  name: key,
  resource_type: "python",
  path: null,
  state: "Pending",
  message: null,
  cause: null,
  status: null,
  attempt: 0,
  started: null,
  finished: null,
  rows: null,
  failures: null,
  detail: null,
  ...more,
});
const at = (seconds: number): string =>
  new Date(Date.UTC(2026, 10, 21, 22, 0, seconds)).toISOString();
const waiting = (from: number, to: number | null) => ({
  kind: "waiting" as const,
  started: at(from),
  finished: to === null ? null : at(to),
  attempt: 1,
  state: "Pending",
  worker: null,
});
const shown = (more: Partial<Shown> = {}): Shown => ({
  by: "none",
  open: new Set(),
  unfolded: new Set(),
  search: "",
  states: new Set(),
  sort: { by: "start", down: false },
  ...more,
});

test("a task that begins ends its waiting and is under way", () => {
  const spans = spansAfter(
    [waiting(0, null)],
    task("a", { state: "Running", attempt: 1, started: at(5) }),
    at(6),
  );
  expect(spans.map((span) => [span.kind, span.finished])).toEqual([
    ["waiting", at(5)],
    ["running", null],
  ]);
});

test("word of the same start twice changes nothing", () => {
  const running = task("a", { state: "Running", attempt: 1, started: at(5) });
  const once = spansAfter([], running, at(6));
  expect(spansAfter(once, running, at(9))).toEqual(once);
});

test("a retry, its wait and its end are one span each", () => {
  let spans = spansAfter([], task("a", { state: "Running", attempt: 1, started: at(1) }), at(1));
  spans = spansAfter(spans, task("a", { state: "Retrying", attempt: 1, started: at(1) }), at(3));
  spans = spansAfter(spans, task("a", { state: "Running", attempt: 2, started: at(8) }), at(8));
  spans = spansAfter(
    spans,
    task("a", { state: "Success", attempt: 2, started: at(8), finished: at(9) }),
    at(9),
  );
  expect(spans.map((span) => [span.kind, span.attempt, span.state, span.finished])).toEqual([
    ["running", 1, "Failed", at(3)],
    ["retrying", 1, "Retrying", at(8)],
    ["running", 2, "Success", at(9)],
  ]);
});

test("a task whose start nobody told of gets its whole span at the end; a skipped one none", () => {
  const done = task("a", { state: "Success", attempt: 1, started: at(2), finished: at(4) });
  expect(
    spansAfter([waiting(0, null)], done, at(9)).map((span) => [
      span.kind,
      span.started,
      span.finished,
    ]),
  ).toEqual([
    ["waiting", at(0), at(2)],
    ["running", at(2), at(4)],
  ]);
  expect(spansAfter([], task("b", { state: "Skipped", finished: at(4) }), at(9))).toEqual([]);
});

test("the timeline takes in tasks it did not know", () => {
  const timeline: Timeline = { rows: [], started: at(0), finished: null, critical_path: [] };
  const next = carriedOn(
    timeline,
    [task("m[0]", { state: "Running", attempt: 1, started: at(1) })],
    at(2),
  );
  expect(next.rows.map((row) => [row.key, row.state, row.spans.length])).toEqual([
    ["m[0]", "Running", 1],
  ]);
});

test("what is under way lasts until now", () => {
  expect(extent([waiting(0, 2), waiting(2, null)], Date.parse(at(9)))).toEqual([
    Date.parse(at(0)),
    Date.parse(at(9)),
  ]);
  expect(extent([], 0)).toBe(null);
});

const NODES: GraphNode[] = ["a", "b", "load"].map((key) => ({
  key,
  name: key,
  resource_type: "model",
  path: null,
  folder: key === "load" ? "raw" : "marts",
  layer: null,
  tags: [],
  reads: [],
  writes: [],
  expected: 2,
}));
const TASKS = [
  task("b", { state: "Success", started: at(3), finished: at(9), status: "warn" }),
  task("a", { state: "Failed", started: at(1), finished: at(3), message: "it broke" }),
  task("load", { state: "Running", started: at(0) }),
  ...Array.from({ length: 10_000 }, (_, i) =>
    task(`load[${i}]`, { state: i === 7 ? "Failed" : "Success" }),
  ),
];

const names = (rows: ReturnType<typeof rowsOf>): string[] =>
  rows.map((row) => (row.type === "group" ? row.name : row.entry.name));

test("ten thousand elements are one row with their counts, until they are unfolded", () => {
  const rows = rowsOf(entriesOf(TASKS, NODES, undefined), shown());
  expect(names(rows)).toEqual(["load", "a", "b"]);
  expect(rows[0]).toMatchObject({ open: false, counts: { Success: 9_999, Failed: 1 } });
  expect(
    rowsOf(entriesOf(TASKS, NODES, undefined), shown({ unfolded: new Set(["load"]) })),
  ).toHaveLength(10_003);
});

test("before the timeline comes, a task that began has the bar of its last try", () => {
  const begun = task("a", { state: "Success", attempt: 2, started: at(1), finished: at(3) });
  const [entry, idle] = entriesOf([begun, task("b")], [], undefined);
  expect(entry!.spans).toEqual([
    {
      kind: "running",
      started: at(1),
      finished: at(3),
      attempt: 2,
      state: "Success",
      worker: null,
    },
  ]);
  expect(idle!.spans).toEqual([]);
});

test("an element that a filter finds brings its task, and only itself", () => {
  const rows = rowsOf(
    entriesOf(TASKS, NODES, undefined),
    shown({ search: "load[7]", unfolded: new Set(["load"]) }),
  );
  expect(names(rows)).toEqual(["load", "load[7]"]);
});

test("dbt's warning is a state of its own, to see and to filter by", () => {
  expect(
    names(rowsOf(entriesOf(TASKS, NODES, undefined), shown({ states: new Set(["Warned"]) }))),
  ).toEqual(["b"]);
});

test("groups stand in order, folded with counts, and open by name", () => {
  const entries = entriesOf(TASKS, NODES, undefined);
  expect(
    names(rowsOf(entries, shown({ by: "folder", sort: { by: "name", down: false } }))),
  ).toEqual(["marts", "raw"]);
  expect(names(rowsOf(entries, shown({ by: "folder" })))).toEqual(["raw", "marts"]);
  expect(names(rowsOf(entries, shown({ by: "folder", open: new Set(["marts"]) })))).toEqual([
    "raw",
    "marts",
    "a",
    "b",
  ]);
});

test("sorting puts what is not known last, either way", () => {
  const entries = entriesOf(TASKS, NODES, undefined);
  expect(names(rowsOf(entries, shown({ sort: { by: "duration", down: true } })))).toEqual([
    "b",
    "a",
    "load",
  ]);
  expect(names(rowsOf(entries, shown({ sort: { by: "duration", down: false } })))).toEqual([
    "a",
    "b",
    "load",
  ]);
  expect(names(rowsOf(entries, shown({ sort: { by: "slower", down: true } })))).toEqual([
    "b",
    "a",
    "load",
  ]);
});

test("dbt nodes lie below the task that ran them", () => {
  const node = {
    key: "model.x",
    name: "x",
    resource_type: "model",
    folder: null,
    layer: null,
    state: "Success",
    spans: [waiting(0, 2)],
    critical: false,
  };
  const timeline: Timeline = {
    rows: [{ ...node, key: "a", name: "a", nodes: [node] }],
    started: at(0),
    finished: null,
    critical_path: ["a"],
  };
  const entries: Entry[] = entriesOf(TASKS.slice(0, 2), NODES, timeline);
  const a = entries.find((entry) => entry.key === "a");
  expect(a?.critical).toBe(true);
  expect(a?.kids.map((kid) => [kid.name, kid.task])).toEqual([["x", "a"]]);
});

test("the address holds the view, whatever is in the names", () => {
  const view = viewOf({
    view: "timeline",
    task: "model.<b>&=#",
    q: "a b",
    state: ["Failed", "Running"],
    by: "folder",
    open: ["x y", "z"],
    around: "k",
    up: "all",
    down: "2",
    path: "off",
    sort: "-duration",
    range: "1500-90000",
    below: "load",
  });
  expect(viewOf(searchOf(view))).toEqual(view);
  expect(view.focus).toEqual({ key: "k", up: null, down: 2 });
  expect(searchOf(viewOf({})).view).toBe(undefined);
});

test("an address that nobody made sense of shows the plain view", () => {
  const view = viewOf({
    view: "nonsense",
    by: "x",
    sort: "??",
    range: "9-1",
    up: "-4",
    around: "k",
  });
  expect([view.view, view.by, view.sort.by, view.range, view.focus?.up]).toEqual([
    "graph",
    null,
    "start",
    null,
    0,
  ]);
});

/** What a task did when: the timeline, carried on by what the stream says. */

import type { Span, TaskRun, Timeline, TimelineRow } from "../../api/types";
import { isFinished } from "../../parts/states";

/** The timeline after these task runs changed; `now` ends what nobody gave an end. */
export function carriedOn(timeline: Timeline, changed: readonly TaskRun[], now: string): Timeline {
  const tasks = new Map(changed.map((task) => [task.key, task]));
  const rows = timeline.rows.map((row) => {
    const task = tasks.get(row.key);
    tasks.delete(row.key);
    return task ? { ...row, state: task.state, spans: spansAfter(row.spans, task, now) } : row;
  });
  return { ...timeline, rows: [...rows, ...[...tasks.values()].map((task) => newRow(task, now))] };
}

function newRow(task: TaskRun, now: string): TimelineRow {
  return {
    key: task.key,
    name: task.name,
    resource_type: task.resource_type,
    folder: null,
    layer: null,
    state: task.state,
    spans: spansAfter([], task, now),
    critical: false,
    nodes: [],
  };
}

function closed(spans: readonly Span[], at: string, state?: string): Span[] {
  return spans.map((span) =>
    span.finished === null ? { ...span, finished: at, state: state ?? span.state } : span,
  );
}

/** The spans of one task after it moved to the state it is in now. */
export function spansAfter(spans: readonly Span[], task: TaskRun, now: string): Span[] {
  const running = spans.find((span) => span.kind === "running" && span.attempt === task.attempt);
  const began = task.started ?? now;
  const run = (finished: string | null): Span => ({
    kind: "running",
    started: began,
    finished,
    attempt: task.attempt,
    state: task.state,
    worker: null,
  });
  if (task.state === "Running") {
    return running ? [...spans] : [...closed(spans, began), run(null)];
  }
  if (task.state === "Retrying") {
    if (spans.at(-1)?.kind === "retrying" && spans.at(-1)?.finished === null) return [...spans];
    const before =
      running || !task.started
        ? closed(spans, now, "Failed")
        : [...closed(spans, began), { ...run(now), state: "Failed" }];
    return [
      ...before,
      {
        kind: "retrying",
        started: now,
        finished: null,
        attempt: task.attempt,
        state: "Retrying",
        worker: null,
      },
    ];
  }
  if (!isFinished(task.state)) return [...spans];
  const ended = task.finished ?? now;
  if (running || !task.started || task.attempt === 0) return closed(spans, ended, task.state);
  return [...closed(spans, began), run(ended)];
}

/** From the first beginning to the last end; what is under way lasts until now. */
export function extent(spans: readonly Span[], now: number): readonly [number, number] | null {
  let from = Infinity;
  let to = -Infinity;
  for (const span of spans) {
    from = Math.min(from, Date.parse(span.started));
    to = Math.max(to, span.finished === null ? now : Date.parse(span.finished));
  }
  return from < Infinity ? [from, to] : null;
}

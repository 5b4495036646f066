/** Everything the page knows of a run, kept fresh by its stream. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";

import { keyOf, useGet, type ApiError } from "../../api/client";
import { useStream, type StreamHandlers, type StreamState } from "../../api/stream";
import type { Graph, Run, TaskRun, Timeline, WholeRun } from "../../api/types";
import { newBoard, type Board, type Standing } from "../../graph/board";
import { elementsByParent } from "../../graph/mapped";
import { countStates, shownState } from "../../graph/states";
import { durationText } from "../../parts/formats";
import { isFinished } from "../../parts/states";
import type { ViewName } from "./address";
import { carriedOn } from "./spans";

/** Task events come in flocks; the page takes them together, so often. */
const TOGETHER = 250;

export interface Known {
  run: WholeRun | undefined;
  graph: Graph | undefined;
  timeline: Timeline | undefined;
  board: Board;
  problem: ApiError | null;
  graphProblem: ApiError | null;
  timelineProblem: ApiError | null;
  again: () => void;
  stream: StreamState;
  /** For a view that follows the stream itself. */
  handlers: StreamHandlers;
}

/** Follow a run for a view of it; the log holds the stream itself and passes its events on. */
export function useRun(id: string, view: ViewName): Known {
  const path = `/runs/${encodeURIComponent(id)}`;
  const asked = useGet<WholeRun>(path);
  const run = asked.data;
  // Also while nobody drives it: whoever takes it up is seen doing so.
  const open = run !== undefined && !isFinished(run.state);
  // Why it has not begun changes without an event: agents come and go.
  useGet<WholeRun>(run?.waiting ? path : null, undefined, { every: 15_000 });
  const graph = useGraph(`${path}/graph`, run);
  // It adds to what graph and tasks tell: the critical path, earlier attempts, what was waited for.
  const after = run && (graph.known || graph.error || !run.graph);
  const timeline = useGet<Timeline>(after ? `${path}/timeline` : null, undefined, {
    every: open ? 15_000 : false,
  });
  const handlers = useHandlers(path);
  const streams = open && view !== "log";
  const { state } = useStream(streams ? `${path}/stream?logs=0` : null, handlers);
  return {
    run,
    graph: graph.known,
    timeline: timeline.data,
    board: useBoard(run?.tasks),
    problem: run ? null : asked.error,
    graphProblem: graph.error,
    timelineProblem: timeline.error,
    again: () => void asked.refetch(),
    stream: state,
    handlers,
  };
}

/** The graph, asked for together with the run, and again when a run that had none was planned. */
function useGraph(
  path: string,
  run: WholeRun | undefined,
): { known: Graph | undefined; error: ApiError | null } {
  const { data, error, isFetching, refetch } = useGet<Graph>(path, undefined, { fresh: Infinity });
  const late = run?.graph != null && data !== undefined && data.hash !== run.graph;
  useEffect(() => {
    if (late) void refetch();
  }, [late, refetch]);
  return { known: late && isFetching ? undefined : data, error };
}

function useHandlers(path: string): StreamHandlers {
  const client = useQueryClient();
  const waiting = useRef(new Map<string, TaskRun>());
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return useMemo(() => {
    const afresh = (): void => {
      void client.invalidateQueries({ queryKey: keyOf(path) });
      void client.invalidateQueries({ queryKey: keyOf(`${path}/timeline`) });
    };
    const take = (): void => {
      timer.current = undefined;
      const changed = [...waiting.current.values()];
      waiting.current.clear();
      const now = new Date().toISOString();
      client.setQueryData<WholeRun>(
        keyOf(path),
        (run) => run && { ...run, tasks: merged(run.tasks, changed) },
      );
      client.setQueryData<Timeline>(
        keyOf(`${path}/timeline`),
        (known) => known && carriedOn(known, changed, now),
      );
    };
    return {
      run: (run: Run) => {
        const before = client.getQueryData<WholeRun>(keyOf(path));
        client.setQueryData<WholeRun>(keyOf(path), (known) => known && { ...known, ...run });
        // What comes with another state (the graph, who drives it) is not part of the event.
        if (before?.state !== run.state || before.graph === null) afresh();
      },
      task: (task: TaskRun) => {
        waiting.current.set(task.key, task);
        timer.current ??= window.setTimeout(take, TOGETHER);
      },
      end: afresh,
      open: (again: boolean) => {
        if (again) afresh();
      },
    };
  }, [client, path]);
}

/** The tasks with the changed ones in the place of what they were; new ones come last. */
export function merged(tasks: readonly TaskRun[], changed: readonly TaskRun[]): TaskRun[] {
  const news = new Map(changed.map((task) => [task.key, task]));
  const kept = tasks.map((task) => {
    const next = news.get(task.key);
    news.delete(task.key);
    return next ? { ...next, detail: { ...task.detail, ...next.detail } } : task;
  });
  return [...kept, ...news.values()];
}

function* standings(tasks: readonly TaskRun[]): Generator<[string, Standing]> {
  const shown = new Map(tasks.map((task) => [task.key, shownState(task.state, task.status)]));
  const below = elementsByParent(tasks.map((task) => task.key));
  for (const task of tasks) {
    const elements = below.get(task.key);
    const took =
      task.started && task.finished
        ? (Date.parse(task.finished) - Date.parse(task.started)) / 1000
        : null;
    yield [
      task.key,
      {
        state: shown.get(task.key) ?? task.state,
        note: took === null ? undefined : durationText(took),
        counts: elements && countStates(elements.map((key) => shown.get(key) ?? "Pending")),
      },
    ];
  }
}

const NO_TASKS: readonly TaskRun[] = [];

function useBoard(tasks: readonly TaskRun[] = NO_TASKS): Board {
  const [board] = useState(() => newBoard());
  useLayoutEffect(() => {
    board.keep(new Set(tasks.map((task) => task.key)));
    board.set(standings(tasks));
  }, [board, tasks]);
  return board;
}

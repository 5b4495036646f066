/** A run: its graph, its timeline and its tasks in step, live, and what can be done with it. */

import { useParams } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useMemo, type JSX } from "react";

import type { WholeRun } from "../../api/types";
import { bestGrouping, FOLD_ABOVE, type GroupBy } from "../../graph/grouping";
import { CountBar } from "../../graph/nodes";
import { countStates, shownState, weighed } from "../../graph/states";
import { Empty } from "../../parts/Empty";
import { useNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { isFinished } from "../../parts/states";
import { Tabs } from "../../parts/Tabs";
import { useGoing } from "../../parts/useGoing";
import { flowPath, taskPath } from "../../paths";
import type { RunView, ViewName } from "./address";
import { entriesOf } from "./entries";
import { Gantt } from "./Gantt";
import { RunActions } from "./RunActions";
import { RunFacts, shortId } from "./RunFacts";
import { RunFilter } from "./RunFilter";
import { rowsOf, type Row } from "./rows";
import { TaskTable } from "./TaskTable";
import { Waiting } from "./Waiting";
import { useRun, type Known } from "./useRun";
import { useRunView, type ChangeRunView } from "./useRunView";
import styles from "./RunPage.module.css";

const loadGraph = () => import("../../graph/Graph").then((module) => ({ default: module.Graph }));
const Graph = lazy(loadGraph);
const LogView = lazy(() =>
  import("../../code/LogView").then((module) => ({ default: module.LogView })),
);

export default function RunPage(): JSX.Element {
  const id = useParams({ strict: false }).id ?? "";
  return <TheRun key={id} id={id} />;
}

function TheRun({ id }: { id: string }): JSX.Element {
  const [view, onView] = useRunView();
  const known = useRun(id, view.view);
  const drawn = view.view === "graph";
  useEffect(() => {
    // While the run is on its way; if it cannot be had now, drawing it asks again, and tells.
    if (drawn) loadGraph().catch(() => undefined);
  }, [drawn]);
  const narrow = useNarrow();
  const { run } = known;
  if (!run) {
    return (
      <Page title="Run" crumbs={[{ title: "Runs", to: "/runs" }]}>
        {known.problem ? (
          <Problem error={known.problem} onAgain={known.again} />
        ) : (
          <p role="status">Reading the run…</p>
        )}
      </Page>
    );
  }
  const title = `${run.flow} ${shortId(run.run_id)}`;
  return (
    <Page
      title={title}
      full={!narrow}
      heading={<Heading run={run} known={known} />}
      actions={<RunActions run={run} />}
      crumbs={[
        { title: "Runs", to: "/runs" },
        { title: run.flow, to: flowPath(run.flow) },
      ]}
    >
      <RunFacts run={run} />
      <Waiting run={run} />
      <Views {...{ run, known, view, onView }} />
    </Page>
  );
}

const LIVELY = { live: "Live", reconnecting: "Reconnecting…", ended: "" };

function Heading({ run, known }: { run: WholeRun; known: Known }): JSX.Element {
  const stream = known.stream === "live" && !run.live ? "ended" : known.stream;
  return (
    <span className={styles.heading}>
      <bdi>{run.flow}</bdi>
      <code className={styles.id}>{shortId(run.run_id)}</code>
      <State state={run.state} />
      {!isFinished(run.state) && (
        <span className={styles.live} data-state={stream} role="status">
          {LIVELY[stream]}
        </span>
      )}
    </span>
  );
}

const TABS: readonly { id: ViewName; title: string }[] = [
  { id: "graph", title: "Graph" },
  { id: "timeline", title: "Timeline" },
  { id: "tasks", title: "Tasks" },
  { id: "log", title: "Log" },
];

interface ViewsProps {
  run: WholeRun;
  known: Known;
  view: RunView;
  onView: ChangeRunView;
}

function Views({ run, known, view, onView }: ViewsProps): JSX.Element {
  const counts = useMemo(
    () => countStates(run.tasks.map((task) => shownState(task.state, task.status))),
    [run.tasks],
  );
  const auto = useMemo(
    () => (known.graph ? bestGrouping(known.graph.nodes, known.graph.edges) : "none"),
    [known.graph],
  );
  const by = view.by ?? auto;
  return (
    <div className={styles.views}>
      <div className={styles.progress} aria-hidden="true">
        <CountBar counts={weighed(counts)} />
      </div>
      <Tabs
        label="Views of the run"
        tabs={TABS}
        chosen={view.view}
        onChoose={(name) => onView({ view: name as ViewName })}
      >
        <div className={styles.panel}>
          {view.view !== "log" && <RunFilter {...{ view, onView, counts, by }} />}
          <Suspense fallback={<p className={styles.waiting}>Loading…</p>}>
            {view.view === "graph" && <GraphPanel {...{ run, known, view, onView }} />}
            {(view.view === "timeline" || view.view === "tasks") && (
              <RowsPanel {...{ run, known, view, onView, by }} />
            )}
            {view.view === "log" && (
              <LogView
                run={run.run_id}
                live={!isFinished(run.state)}
                events={known.handlers}
                taskLink={(key) => taskPath(run.run_id, key)}
              />
            )}
          </Suspense>
        </div>
      </Tabs>
    </div>
  );
}

const NOTHING: [] = [];

function GraphPanel({ run, known, view, onView }: ViewsProps): JSX.Element {
  const go = useGoing();
  const open = useCallback((key: string) => go(taskPath(run.run_id, key)), [go, run.run_id]);
  const only = useMemo(() => {
    if (view.states.length === 0) return null;
    const wanted = new Set(view.states);
    return new Set(
      run.tasks
        .filter((task) => wanted.has(shownState(task.state, task.status)))
        .map((task) => task.key),
    );
  }, [run.tasks, view.states]);
  if (known.graphProblem) return <Problem error={known.graphProblem} />;
  if (run.graph === null && !isFinished(run.state)) {
    return (
      <Empty title="Not planned yet">
        The graph appears here by itself as soon as an agent takes the run up.
      </Empty>
    );
  }
  if (run.graph === null && run.tasks.length === 0) {
    return (
      <Empty title="This run was never planned">
        It ended before its tasks were known: what is said above tells why.
      </Empty>
    );
  }
  if (run.graph === null) {
    return (
      <Empty title="No graph was kept of this run">
        The timeline and the table show its tasks. Runs made from now on keep theirs.
      </Empty>
    );
  }
  if (!known.graph)
    return (
      <p className={styles.waiting} role="status">
        Reading the graph…
      </p>
    );
  if (known.graph.nodes.length === 0)
    return (
      <Empty title="This run has no tasks">
        Its selection left nothing to do: see its options above.
      </Empty>
    );
  return (
    <Graph
      data={known.graph}
      board={known.board}
      view={view}
      onView={onView}
      onOpen={open}
      only={only}
      searched
      critical={known.timeline?.critical_path}
      label={`Graph of ${run.flow}`}
    />
  );
}

function RowsPanel({ run, known, view, onView, by }: ViewsProps & { by: GroupBy }): JSX.Element {
  const go = useGoing();
  const nodes = known.graph?.nodes ?? NOTHING;
  const entries = useMemo(
    () => entriesOf(run.tasks, nodes, known.timeline),
    [run.tasks, nodes, known.timeline],
  );
  const { open, unfolded, search, states, sort } = view;
  const begun = view.view === "timeline";
  // Many rows are shown once it is known how they are folded, and not first in another order.
  const folds = run.graph !== null && view.by === null && run.tasks.length > FOLD_ABOVE;
  const waits = folds && !known.graph && !known.graphProblem;
  const rows = useMemo(
    () =>
      rowsOf(entries, {
        by,
        open: new Set(open),
        unfolded: new Set(unfolded),
        search,
        states: new Set(states),
        sort: begun ? { by: "start", down: false } : sort,
      }),
    [entries, by, open, unfolded, search, states, sort, begun],
  );
  const linkOf = (row: Row): string | null =>
    row.type === "group" ? null : taskPath(run.run_id, row.entry.task);
  const onFold = (row: Row): void => {
    const [name, all, part] =
      row.type === "group" ? [row.name, open, "open"] : [row.key, unfolded, "unfolded"];
    if (row.open !== null)
      onView({
        by: by === "none" ? view.by : by,
        [part]: row.open ? all.filter((each) => each !== name) : [...all, name],
      });
  };
  const onOpen = (row: Row): void => {
    const link = linkOf(row);
    if (link) go(link);
    else onFold(row);
  };
  if (known.timelineProblem && begun) return <Problem error={known.timelineProblem} />;
  if (waits) return <p className={styles.waiting}>Reading the tasks…</p>;
  if (rows.length === 0) {
    return run.tasks.length === 0 ? (
      <Empty title="No task has begun">They appear here as soon as the run is planned.</Empty>
    ) : (
      <Empty title="No task is like that">Change what is searched for, or show all.</Empty>
    );
  }
  const shared = { rows, view, onView, onFold, onOpen, linkOf };
  return begun ? (
    <Gantt
      {...shared}
      label={`Timeline of ${run.flow}`}
      started={run.started ?? run.created}
      finished={run.finished}
    />
  ) : (
    <TaskTable {...shared} label={`Tasks of ${run.flow}`} />
  );
}

/** The page of a task run: why it stands as it does, what it said, and what can be done about it. */

import { useParams } from "@tanstack/react-router";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";

import { keyOf, useGet } from "../../api/client";
import type { Attempt, WholeRun, WholeTask } from "../../api/types";
import { LogView } from "../../code/LogView";
import { SqlView } from "../../code/SqlView";
import { Duration } from "../../parts/Duration";
import { Empty } from "../../parts/Empty";
import { numberText } from "../../parts/formats";
import { Link } from "../../parts/Link";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { isFinished } from "../../parts/states";
import { Tabs } from "../../parts/Tabs";
import { Time } from "../../parts/Time";
import { one, useUrl } from "../../parts/url";
import { flowPath, runPath, taskPath } from "../../paths";
import { EdgeList } from "./EdgeList";
import { failureOf, restOf } from "./failure";
import { FailedElements } from "./FailedElements";
import { FailureView } from "./FailureView";
import { LinkCopy } from "./LinkCopy";
import { Nodes } from "./Nodes";
import { StateHistory } from "./StateHistory";
import { TaskActions } from "./TaskActions";
import styles from "./TaskPage.module.css";
import { Timing } from "./Timing";

/** Milliseconds between looks at a run that is about to begin. */
const SOON = 1000;
/** The evidence of so many edges is read at a glance. */
const FEW = 6;

export default function TaskPage() {
  const { id = "" } = useParams({ strict: false });
  const [url] = useUrl();
  const key = one(url.key);
  const path = `/runs/${encodeURIComponent(id)}`;
  const [early, setEarly] = useState(true);
  const run = useGet<WholeRun>(path, undefined, { every: early && SOON });
  // A run that has just been made has no tasks before it is planned.
  const planned = run.data?.tasks.some((task) => task.key === key) ?? false;
  const waits = run.data !== undefined && !planned && !isFinished(run.data.state);
  if (run.data && early !== waits) setEarly(waits);
  const found = useGet<WholeTask>(key && run.data && !waits ? `${path}/task` : null, { key });
  const crumbs = [
    { title: "Runs", to: "/runs" },
    { title: run.data ? `${run.data.flow} ${run.data.run_id.slice(0, 8)}` : id, to: runPath(id) },
  ];
  if (found.data && run.data) return <Shown run={run.data} found={found.data} crumbs={crumbs} />;
  const error = found.error ?? run.error;
  return (
    <Page title={key || "Task"} crumbs={crumbs}>
      {error && <Problem error={error} onAgain={() => void (run.refetch(), found.refetch())} />}
      {!key && <Empty title="No task is named">Choose one on the page of its run.</Empty>}
      {key && !error && waits && (
        <Empty title="Not planned yet">
          The run has not begun with its tasks; this one appears here by itself once it has.
        </Empty>
      )}
      {key && !error && !waits && <p className={styles.quiet}>Loading …</p>}
    </Page>
  );
}

interface ShownProps {
  run: WholeRun;
  found: WholeTask;
  crumbs: { title: string; to: string }[];
}

function Shown({ run, found, crumbs }: ShownProps) {
  const { task } = found;
  const [told, tell] = useState("");
  const [url, change] = useUrl();
  const asked = Number(one(url.attempt));
  const attempt = found.attempts.find((each) => each.number === asked) ?? null;
  const names = useMemo(() => new Map(run.tasks.map((each) => [each.key, each.name])), [run.tasks]);
  const nameOf = (key: string) => names.get(key) ?? key;
  const relation = typeof task.detail?.relation === "string" ? task.detail.relation : null;
  const few = found.upstream.length + found.downstream.length <= FEW;
  useHash(found);
  const body = <Body run={run} found={found} attempt={attempt} relation={relation} />;
  return (
    <Page
      title={task.name}
      crumbs={crumbs}
      heading={
        <span className={styles.heading}>
          {task.name} <State state={task.state} status={task.status} />
        </span>
      }
      actions={<TaskActions run={run} task={task} onTold={tell} />}
      lead={found.why}
    >
      <p role="status" className={told ? styles.told : "unseen"}>
        {told}
      </p>
      <Facts run={run} found={found} relation={relation} nameOf={nameOf} />
      {found.attempts.length > 1 ? (
        <Tabs
          label="Attempts"
          chosen={attempt ? String(attempt.number) : "all"}
          onChoose={(id) => change({ attempt: id === "all" ? undefined : id, line: undefined })}
          tabs={[
            { id: "all", title: "All attempts" },
            ...found.attempts.map((each) => ({
              id: String(each.number),
              title: (
                <span className={styles.tab}>
                  Attempt {each.number} <State state={each.state} bare />
                </span>
              ),
            })),
          ]}
        >
          {body}
        </Tabs>
      ) : (
        body
      )}
      <div className={styles.columns}>
        <StateHistory history={found.history} requests={found.requests} />
        <Timing flow={run.flow} task={task.key} />
        <EdgeList
          run={run.run_id}
          title="Waits for"
          end="upstream"
          edges={found.upstream}
          nameOf={nameOf}
          nothing="Nothing: it may begin with the run."
          open={few}
        />
        <EdgeList
          run={run.run_id}
          title="Needed by"
          end="downstream"
          edges={found.downstream}
          nameOf={nameOf}
          nothing="Nothing waits for it."
          open={few}
        />
      </div>
      <Nodes nodes={found.nodes} />
      <Details found={found} />
    </Page>
  );
}

interface FactsProps {
  run: WholeRun;
  found: WholeTask;
  relation: string | null;
  nameOf: (key: string) => string;
}

function Facts({ run, found, relation, nameOf }: FactsProps) {
  const { task, attempts } = found;
  const worker = attempts.at(-1)?.worker;
  const cause = task.cause && task.cause !== task.key ? task.cause : null;
  return (
    <dl className={styles.facts}>
      <Fact name="Flow">
        <Link to={flowPath(run.flow)}>{run.flow}</Link>
      </Fact>
      <Fact name="Kind">{task.resource_type}</Fact>
      <Fact name="Started">
        <Time at={task.started} />
      </Fact>
      <Fact name="Took">
        <Duration since={task.started} until={task.finished} />
      </Fact>
      {task.rows !== null && <Fact name="Rows">{numberText(task.rows)}</Fact>}
      {task.failures !== null && <Fact name="Failing rows">{numberText(task.failures)}</Fact>}
      {attempts.length > 0 && <Fact name="Attempts">{attempts.length}</Fact>}
      {worker && <Fact name="Worker">{worker}</Fact>}
      {relation && <Fact name="Relation">{relation}</Fact>}
      {task.path && <Fact name="File">{task.path}</Fact>}
      {cause && (
        <Fact name="Because of">
          <Link to={`${runPath(run.run_id)}/task?key=${encodeURIComponent(cause)}`}>
            {nameOf(cause)}
          </Link>
        </Fact>
      )}
      <Fact name="Key">
        <code>{task.key}</code>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface BodyProps {
  run: WholeRun;
  found: WholeTask;
  attempt: Attempt | null;
  relation: string | null;
}

/** The failure and the log of the task, or of one attempt. */
function Body({ run, found, attempt, relation }: BodyProps) {
  const refresh = useRefresh(run.run_id, found.task.key);
  const [url, change] = useUrl();
  const whole = one(url.log) === "run";
  const failure = attempt ? failureOf(attempt) : found.failure;
  const sql = failure ? null : (attempt ?? found).sql;
  return (
    <div className={styles.body}>
      {attempt && (
        <div className={styles.attempt}>
          <State state={attempt.state} />
          <span>
            <Time at={attempt.started} seconds />,{" "}
            <Duration since={attempt.started} until={attempt.finished} />
            {attempt.worker && ` on ${attempt.worker}`}
          </span>
          {attempt.message && !failure && <span>{attempt.message}</span>}
          <LinkCopy
            label="Link to this attempt"
            words={{ attempt: String(attempt.number), line: null }}
          />
        </div>
      )}
      {failure && <FailureView failure={failure} relation={relation} />}
      <FailedElements run={run} task={found.task} />
      {sql && (
        <div id="sql">
          <SqlView
            sql={sql}
            title="Compiled SQL"
            actions={<LinkCopy hash="sql" label="Link to this SQL" />}
          />
        </div>
      )}
      <section id="log" className={styles.log}>
        <div className={styles.row}>
          <h2>Log</h2>
          <div role="group" aria-label="Whose log" className={styles.switch}>
            <button type="button" aria-pressed={!whole} onClick={() => change({ log: undefined })}>
              {attempt ? "This attempt" : "This task"}
            </button>
            <button type="button" aria-pressed={whole} onClick={() => change({ log: "run" })}>
              Whole run
            </button>
          </div>
        </div>
        <LogView
          key={whole ? "run" : `task ${attempt?.number ?? ""}`}
          run={run.run_id}
          task={whole ? null : found.task.key}
          attempt={whole ? null : (attempt?.number ?? null)}
          live={!isFinished(run.state) && (whole || !isFinished(found.task.state))}
          taskLink={whole ? (key) => taskPath(run.run_id, key) : undefined}
          events={{ task: (told) => told.key === found.task.key && refresh(), end: refresh }}
        />
      </section>
    </div>
  );
}

function Details({ found }: { found: WholeTask }) {
  const rest = restOf(found.task.detail);
  if (rest.length === 0) return null;
  return (
    <section className={styles.details}>
      <h3>What it left behind</h3>
      <dl>
        {rest.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {typeof value === "object" ? (
                <pre tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>
              ) : (
                String(value)
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Ask for the task and its run again, at most once a second. */
function useRefresh(run: string, key: string): () => void {
  const client = useQueryClient();
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return () => {
    timer.current ??= window.setTimeout(() => {
      timer.current = undefined;
      const path = `/runs/${encodeURIComponent(run)}`;
      void client.invalidateQueries({ queryKey: keyOf(path) });
      void client.invalidateQueries({ queryKey: keyOf(`${path}/task`, { key }) });
    }, 1000);
  };
}

/** A link to a part of the page that was not there yet when the browser looked for it. */
function useHash(found: WholeTask): void {
  const done = useRef(false);
  useEffect(() => {
    const part = window.location.hash.slice(1);
    if (done.current || !part) return;
    done.current = true;
    document.getElementById(part)?.scrollIntoView({ block: "start" });
  }, [found]);
}

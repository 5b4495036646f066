/** The page of a flow: what it does, running it, how it went, when it runs, and its versions. */

import { useParams } from "@tanstack/react-router";
import { lazy, Suspense, useMemo, useState } from "react";

import { useGet } from "../../api/client";
import type { FlowDuration, Me, WholeFlow } from "../../api/types";
import type { Bar } from "../../parts/barData";
import { Bars } from "../../parts/Bars";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Confirm";
import { Link } from "../../parts/Link";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { Section } from "../../parts/Section";
import { State } from "../../parts/State";
import { Time } from "../../parts/Time";
import { one, useUrl } from "../../parts/url";
import { runPath } from "../../paths";
import { DriftFacts } from "./DriftFacts";
import styles from "./FlowPage.module.css";
import { RunDialog } from "./RunDialog";
import { Schedules } from "./Schedules";
import type { FlowPageData } from "./types";
import { Versions } from "./Versions";

const FlowGraph = lazy(() => import("./FlowGraph"));
const CRUMBS = [{ title: "Flows", to: "/flows" }];

export default function FlowPage() {
  const { name = "" } = useParams({ strict: false });
  const found = useGet<FlowPageData>(`/flows/${encodeURIComponent(name)}`, undefined, {
    every: 30_000,
  });
  if (found.data) return <Shown key={name} flow={found.data} />;
  return (
    <Page title={name} crumbs={CRUMBS}>
      {found.error ? (
        <Problem error={found.error} onAgain={() => void found.refetch()} />
      ) : (
        <p role="status">Looking…</p>
      )}
    </Page>
  );
}

function Shown({ flow }: { flow: FlowPageData }) {
  const me = useGet<Me>("/me", undefined, { fresh: 60_000 }).data;
  const [url, change] = useUrl();
  const [told, tell] = useState("");
  const [pausing, setPausing] = useState(false);
  const admin = me?.role === "admin";
  const running = one(url.run) === "now";
  return (
    <Page
      title={flow.name}
      crumbs={CRUMBS}
      lead={flow.description}
      actions={
        <>
          {admin && flow.deployed && (
            <Button onClick={() => setPausing(true)}>{flow.paused ? "Resume" : "Pause"}</Button>
          )}
          {me && me.role !== "view" && (
            <Button
              kind="main"
              icon="play"
              disabled={flow.error !== null}
              onClick={() => change({ run: "now" })}
            >
              Run now
            </Button>
          )}
        </>
      }
    >
      <p role="status" className={told ? styles.told : "unseen"}>
        {told}
      </p>
      {flow.error && <p className={styles.broken}>{flow.error}</p>}
      <Facts flow={flow} />
      {flow.deployed && <DriftFacts flow={flow.name} />}
      <Durations name={flow.name} />
      <Suspense fallback={<p role="status">Drawing the graph…</p>}>
        {!flow.error && <FlowGraph flow={flow.name} lastRun={flow.last_run} />}
      </Suspense>
      <Schedules flow={flow} admin={admin} onTold={tell} />
      <Versions flow={flow} admin={admin} onTold={tell} />
      <Deeds flow={flow} />
      <RunDialog
        flow={flow as unknown as WholeFlow}
        open={running && flow.error === null}
        onClose={() => change({ run: undefined })}
      />
      {pausing && <PauseDialog flow={flow} onClose={() => setPausing(false)} onTold={tell} />}
    </Page>
  );
}

/** Where it is in service, and what it was deployed from, where that is known. */
function placeOf(flow: FlowPageData): string {
  const said = flow.versions.find((each) => each.current)?.environment ?? {};
  const word = (name: string): string => (typeof said[name] === "string" ? said[name] : "");
  return [word("name") && `in ${word("name")}`, word("ref") && `from ${word("ref")}`]
    .filter(Boolean)
    .join(", ");
}

function Facts({ flow }: { flow: FlowPageData }) {
  const run = flow.last_run;
  const place = flow.deployed ? placeOf(flow) : "";
  return (
    <dl className={styles.facts}>
      <div>
        <dt>Last run</dt>
        <dd>
          {run ? (
            <>
              <State state={run.state} />{" "}
              <Link to={runPath(run.run_id)}>
                <Time at={run.started ?? run.created} />
              </Link>
            </>
          ) : (
            "never"
          )}
        </dd>
      </div>
      <div>
        <dt>Next run</dt>
        <dd>
          {flow.paused ? (
            <span className={styles.paused}>paused</span>
          ) : flow.next ? (
            <>
              <Time at={flow.next.instant} />{" "}
              <span className={styles.quiet}>
                ({flow.next.local.slice(11, 16)} in {flow.next.timezone})
              </span>
            </>
          ) : (
            "by hand"
          )}
        </dd>
      </div>
      <div>
        <dt>Version in service</dt>
        <dd>
          {flow.version ? <code>{flow.version}</code> : "not deployed"}
          {place && <span className={styles.quiet}> {place}</span>}
        </dd>
      </div>
      {flow.source && (
        <div>
          <dt>Source</dt>
          <dd>
            <code>{flow.source}</code>
          </dd>
        </div>
      )}
      {flow.tags.length > 0 && (
        <div>
          <dt>Tags</dt>
          <dd>{flow.tags.join(", ")}</dd>
        </div>
      )}
      <div>
        <dt>Runs</dt>
        <dd>
          <Link to={`/runs?flow=${encodeURIComponent(flow.name)}`}>All runs</Link>
        </dd>
      </div>
    </dl>
  );
}

function Durations({ name }: { name: string }) {
  const found = useGet<{ runs: FlowDuration[] }>(`/flows/${encodeURIComponent(name)}/durations`, {
    last: 60,
  });
  const runs = found.data?.runs;
  const bars = useMemo<Bar[]>(
    () =>
      (runs ?? []).map((run) => ({
        key: run.run_id,
        value: run.seconds,
        state: run.state,
        at: run.started ?? run.created ?? null,
        to: runPath(run.run_id),
      })),
    [runs],
  );
  if (!bars.length) return null;
  return (
    <Section
      title="Durations"
      aside={bars.length > 1 ? `of the last ${bars.length} runs` : undefined}
    >
      <Bars title={`Durations of ${name}`} bars={bars} height={150} />
    </Section>
  );
}

function Deeds({ flow }: { flow: FlowPageData }) {
  if (flow.audit.length === 0) return null;
  return (
    <Section title="Who did what">
      <ul className={styles.deeds}>
        {flow.audit.slice(0, 20).map((deed, index) => (
          <li key={index}>
            <Time at={deed.at} /> <strong>{deed.by || "somebody"}</strong> {deed.action}
            {Object.keys(deed.data).length > 0 && <code>{JSON.stringify(deed.data)}</code>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

interface PauseProps {
  flow: FlowPageData;
  onClose: () => void;
  onTold: (text: string) => void;
}

function PauseDialog({ flow, onClose, onTold }: PauseProps) {
  const word = flow.paused ? "Resume" : "Pause";
  return (
    <Confirm
      title={`${word} ${flow.name}?`}
      word={word}
      path={`/deployments/${encodeURIComponent(flow.name)}/${word.toLowerCase()}`}
      body={{}}
      onClose={onClose}
      onDone={() =>
        onTold(flow.paused ? `${flow.name} runs by itself again.` : `${flow.name} is paused.`)
      }
    >
      <p>
        {flow.paused
          ? "Its schedules make runs again, from now on."
          : "Its schedules make no runs until somebody resumes it; what comes due meanwhile is skipped. It can still be run by hand."}
      </p>
    </Confirm>
  );
}

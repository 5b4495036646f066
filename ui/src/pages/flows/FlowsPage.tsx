/** The page of all flows: how each went, when it runs next, what is in service. */

import { useMemo } from "react";

import { useGet } from "../../api/client";
import type { Drift, Flow, FlowDuration, Home } from "../../api/types";
import { Empty } from "../../parts/Empty";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { Table, type TableColumn } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { one, useUrl } from "../../parts/url";
import { flowPath } from "../../paths";
import { drifting } from "../flow/drift";
import styles from "./FlowsPage.module.css";
import { Spark } from "./Spark";

interface Flows {
  flows: Flow[];
  surveying?: boolean;
}

const RECENT = 15;

export default function FlowsPage() {
  const found = useGet<Flows>("/flows", undefined, { every: 15_000 });
  const home = useGet<Home>("/home");
  const [url, change] = useUrl();
  const words = one(url.q);
  const trends = useMemo(() => trendsOf(home.data), [home.data]);
  const deployed = found.data?.flows.some((flow) => flow.deployed) ?? false;
  const drift = useGet<Drift>(deployed ? "/drift" : null, undefined, { fresh: 60_000 });
  const changed = useMemo(() => drifting(drift.data), [drift.data]);
  const columns = useMemo(() => columnsOf(trends, changed), [trends, changed]);
  const flows = found.data?.flows;
  const rows = useMemo(() => (flows ?? []).filter((flow) => fits(flow, words)), [flows, words]);
  return (
    <Page
      title="Flows"
      lead={found.data?.surveying ? "The project's files are being read again." : undefined}
    >
      {found.error && <Problem error={found.error} onAgain={() => void found.refetch()} />}
      {!flows && !found.error && <p role="status">Looking…</p>}
      {flows?.length === 0 && (
        <Empty title="No flows yet">
          Write one into the folder <code>flows</code> of the project; it appears here by itself.
        </Empty>
      )}
      {flows && flows.length > 0 && (
        <>
          {(flows.length > 8 || words) && (
            <input
              type="search"
              className={styles.search}
              aria-label="Search flows"
              placeholder="Search flows"
              value={words}
              onChange={(event) => change({ q: event.target.value || undefined })}
            />
          )}
          <Table
            label="Flows"
            rows={rows}
            columns={columns}
            keyOf={(flow) => flow.name}
            linkOf={(flow) => flowPath(flow.name)}
            rowHeight={56}
            empty={<Empty title="No flow fits">Search for another word.</Empty>}
          />
          {flows.some((flow) => flow.error) && <Broken flows={flows} />}
        </>
      )}
    </Page>
  );
}

/** What keeps flows from being read, in full. */
function Broken({ flows }: { flows: Flow[] }) {
  return (
    <section className={styles.broken} aria-label="Flows that cannot be read">
      <h2>Cannot be read</h2>
      <dl>
        {flows
          .filter((flow) => flow.error)
          .map((flow) => (
            <div key={flow.name}>
              <dt>{flow.name}</dt>
              <dd>{flow.error}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

function columnsOf(
  trends: Map<string, FlowDuration[]>,
  changed: ReadonlySet<string>,
): TableColumn<Flow>[] {
  return [
    {
      id: "name",
      title: "Flow",
      width: "minmax(11rem, 2.2fr)",
      sort: (flow) => flow.name,
      cell: (flow) => (
        <span className={styles.name}>
          {flow.name}
          {changed.has(flow.name) && (
            <span
              className={styles.changed}
              title="The project’s folder has something else than what is in service"
            >
              not in service yet
            </span>
          )}
        </span>
      ),
    },
    {
      id: "what",
      title: "What it does",
      width: "minmax(10rem, 3fr)",
      wide: true,
      cell: (flow) => <span className={styles.what}>{flow.description || "–"}</span>,
    },
    {
      id: "last",
      title: "Last run",
      width: "minmax(9rem, 1.6fr)",
      sort: (flow) => flow.last_run?.created,
      cell: (flow) =>
        flow.last_run ? <Last flow={flow} /> : <span className={styles.quiet}>never</span>,
    },
    {
      id: "trend",
      title: "Durations",
      width: "7rem",
      wide: true,
      cell: (flow) => <Spark runs={trends.get(flow.name) ?? []} />,
    },
    {
      id: "next",
      title: "Next run",
      width: "minmax(8rem, 1.3fr)",
      wide: true,
      sort: (flow) => flow.next?.instant,
      cell: (flow) => <Next flow={flow} />,
    },
    {
      id: "version",
      title: "Version",
      width: "6.5rem",
      wide: true,
      sort: (flow) => flow.version,
      cell: (flow) =>
        flow.version ? (
          <code>{flow.version.slice(0, 8)}</code>
        ) : (
          <span className={styles.quiet}>not deployed</span>
        ),
    },
  ];
}

function Last({ flow }: { flow: Flow }) {
  const run = flow.last_run;
  if (!run) return null;
  return (
    <span className={styles.last}>
      <State state={run.state} />
      <Time at={run.started ?? run.created} distance />
    </span>
  );
}

function Next({ flow }: { flow: Flow }) {
  if (flow.error) return <span className={styles.wrong}>cannot be read</span>;
  if (flow.paused) return <span className={styles.paused}>paused</span>;
  if (!flow.next)
    return <span className={styles.quiet}>{flow.schedules.length ? "–" : "by hand"}</span>;
  return (
    <span className={styles.next}>
      <Time at={flow.next.instant} />
      <span className={styles.quiet} title={flow.next.timezone}>
        {flow.next.local.slice(11, 16)} {flow.next.timezone.split("/").at(-1)?.replaceAll("_", " ")}
      </span>
    </span>
  );
}

function trendsOf(home: Home | undefined): Map<string, FlowDuration[]> {
  return new Map(
    (home?.trend ?? []).map(({ flow, runs }) => [
      flow,
      [...runs].sort((a, b) => (a.started ?? "").localeCompare(b.started ?? "")).slice(-RECENT),
    ]),
  );
}

function fits(flow: Flow, words: string): boolean {
  const text = [flow.name, flow.description ?? "", ...flow.tags].join(" ").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** The page "Dataset": what it holds, who built it, how it is tested, what it is made of and feeds. */

import { lazy, Suspense, useMemo, type ReactNode } from "react";

import { useGet } from "../../api/client";
import type { WholeDataset } from "../../api/types";
import { SqlView } from "../../code/SqlView";
import { parted } from "../../lineage/names";
import { Copy } from "../../parts/Copy";
import { Empty } from "../../parts/Empty";
import { numberText } from "../../parts/formats";
import { Link } from "../../parts/Link";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { Tabs } from "../../parts/Tabs";
import { Time } from "../../parts/Time";
import { one, useUrl } from "../../parts/url";
import { taskPath } from "../../paths";
import { FreshMark, TestMark } from "../catalogue/marks";
import { Columns } from "./Columns";
import styles from "./Dataset.module.css";
import { History } from "./History";
import { Tests } from "./Tests";
import { Uses } from "./Uses";

const LineageView = lazy(() =>
  import("../../lineage/LineageView").then((found) => ({ default: found.LineageView })),
);

export default function DatasetPage() {
  const [search, change] = useUrl();
  const name = one(search.name);
  const { data, error, refetch } = useGet<WholeDataset>(name ? "/dataset" : null, { name });
  const views = viewsOf(data);
  // A link that names a column means its lineage.
  const asked = one(search.view) || (search.column ? "lineage" : "columns");
  const chosen = views.some((view) => view.id === asked) ? asked : "columns";
  const { last, before } = parted(name);
  return (
    <Page
      title={name || "Dataset"}
      heading={
        <>
          <span className={styles.before}>{before}</span>
          {last}
        </>
      }
      crumbs={[{ title: "Catalogue", to: "/catalogue" }]}
      actions={name && <Copy text={name} label="Copy name" />}
      lead={data?.description}
    >
      {!name && (
        <Empty
          title="No dataset is named in the address."
          action={<Link to="/catalogue">Choose one in the catalogue</Link>}
        />
      )}
      {error && <Problem error={error} onAgain={() => void refetch()} />}
      {name && !data && !error && <p role="status">Reading what is known of it…</p>}
      {data && (
        <>
          <Facts dataset={data} />
          <Tabs label="Dataset" tabs={views} chosen={chosen} onChoose={(view) => change({ view })}>
            <View view={chosen} dataset={data} />
          </Tabs>
        </>
      )}
    </Page>
  );
}

function viewsOf(dataset: WholeDataset | undefined) {
  const count = (title: string, number: number | undefined): ReactNode =>
    number === undefined ? title : `${title} ${numberText(number)}`;
  return [
    { id: "columns", title: count("Columns", dataset?.columns.length) },
    { id: "lineage", title: "Lineage" },
    { id: "tests", title: count("Tests", dataset?.tests_list.length) },
    {
      id: "uses",
      title: count(
        "Readers and writers",
        dataset && dataset.readers.length + dataset.writers.length,
      ),
    },
    { id: "history", title: count("Builds", dataset?.history.length) },
    ...(dataset?.sql ? [{ id: "sql", title: "SQL" }] : []),
  ];
}

function View({ view, dataset }: { view: string; dataset: WholeDataset }) {
  const columns = useMemo(() => dataset.columns.map((column) => column.name), [dataset.columns]);
  if (view === "lineage") {
    return (
      <Suspense fallback={<p role="status">Drawing…</p>}>
        <LineageView dataset={dataset.name} columns={columns} />
      </Suspense>
    );
  }
  if (view === "tests") return <Tests dataset={dataset} />;
  if (view === "uses") return <Uses dataset={dataset} />;
  if (view === "history") return <History dataset={dataset} />;
  if (view === "sql" && dataset.sql) return <SqlView sql={dataset.sql} />;
  return <Columns dataset={dataset} />;
}

function Facts({ dataset }: { dataset: WholeDataset }) {
  const { built, layer, kind } = dataset;
  return (
    <dl className={styles.facts}>
      <Fact name="Last built">
        {built ? (
          <>
            <State state={built.state} bare />{" "}
            <Link to={taskPath(built.run_id, built.key)}>
              <Time at={built.at} distance />
            </Link>
            <span className={styles.by}>by {built.key}</span>
          </>
        ) : (
          <span className={styles.quiet}>never by this orchestrator</span>
        )}
      </Fact>
      <Fact name="Rows">
        <b>{numberText(dataset.rows)}</b>
      </Fact>
      <Fact name="Freshness">
        <FreshMark fresh={dataset.fresh} />
      </Fact>
      <Fact name="Tests">
        <TestMark tests={dataset.tests} />
      </Fact>
      <Fact name="Kind">{[kind, layer && `layer ${layer}`].filter(Boolean).join(", ") || "–"}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

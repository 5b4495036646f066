/** The page "Catalogue": every dataset, found by words, layer, kind, freshness and tests. */

import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from "react";

import { useGet } from "../../api/client";
import type { DatasetRow } from "../../api/types";
import { parted } from "../../lineage/names";
import { Button } from "../../parts/Button";
import { Empty } from "../../parts/Empty";
import { Field } from "../../parts/Field";
import { countText, numberText } from "../../parts/formats";
import { Link } from "../../parts/Link";
import { useNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { State } from "../../parts/State";
import { Table, type TableColumn } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { one, useUrl } from "../../parts/url";
import { datasetPath, taskPath } from "../../paths";
import styles from "./Catalogue.module.css";
import { choiceOf, chosen, counted, testRank, type Choice } from "./choosing";
import { FreshMark, TestMark } from "./marks";

/** What the server says besides the datasets. */
interface Catalogue {
  datasets: DatasetRow[];
  /** Whether the project's files are being read again. */
  surveying?: boolean;
  /** Whether the columns have been read. */
  complete?: boolean;
  /** Why flows are missing here. */
  errors?: string[];
  notes?: string[];
}

const LIMIT = 5000;
/** Milliseconds until the catalogue is asked for again while it is being made. */
const AGAIN = 2000;
/** Milliseconds after the last letter until the address is told of it. */
const PAUSE = 200;

export default function CataloguePage() {
  const [growing, grow] = useState(false);
  const { data, error, refetch, isPending } = useGet<Catalogue>(
    "/datasets",
    { limit: LIMIT },
    { every: growing && AGAIN },
  );
  const unfinished = data !== undefined && (data.surveying === true || data.complete === false);
  if (unfinished !== growing) grow(unfinished);
  const [search, change] = useUrl();
  const choice = useMemo(() => choiceOf(search), [search]);
  const rows = useMemo(() => data?.datasets ?? [], [data]);
  const shown = useMemo(() => chosen(rows, choice), [rows, choice]);
  const sorted = one(search.sort) || "name";
  const narrowed = shown.length < rows.length;
  return (
    <Page
      full
      title="Catalogue"
      lead={
        data &&
        (narrowed
          ? `${numberText(shown.length)} of ${countText(rows.length, "dataset")}`
          : countText(rows.length, "dataset"))
      }
    >
      {error && <Problem error={error} onAgain={() => void refetch()} />}
      {data && <Said catalogue={data} />}
      {isPending && <p role="status">Reading the flows and their datasets…</p>}
      {data && rows.length === 0 && <NoDatasets />}
      {rows.length > 0 && (
        <div className={styles.catalogue} onKeyDown={walkRows}>
          <Filters rows={rows} choice={choice} change={change} />
          <Datasets
            rows={shown}
            sorted={sorted}
            onSort={(sort) => change({ sort })}
            onClear={() => change(CLEARED)}
          />
        </div>
      )}
    </Page>
  );
}

function Said({ catalogue }: { catalogue: Catalogue }) {
  const problems = [...(catalogue.errors ?? []), ...(catalogue.notes ?? [])];
  return (
    <>
      {problems.length > 0 && (
        <div className={styles.problems} role="status">
          <p>Something is missing here:</p>
          <ul>
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </div>
      )}
      {catalogue.complete === false && (
        <p className={styles.quiet} role="status">
          The columns are still being read; dbt compiles what it has not compiled before.
        </p>
      )}
    </>
  );
}

const CLEARED = {
  search: undefined,
  layer: undefined,
  kind: undefined,
  fresh: undefined,
  tests: undefined,
};

function NoDatasets() {
  return (
    <Empty title="No flow of this project reads or writes a dataset yet.">
      Add a dbt model, a file below <code>sql/</code>, or a task with <code>reads=</code> and{" "}
      <code>writes=</code>. What they touch appears here, without being declared again.
    </Empty>
  );
}

interface FiltersProps {
  rows: readonly DatasetRow[];
  choice: Choice;
  change: ReturnType<typeof useUrl>[1];
}

function Filters({ rows, choice, change }: FiltersProps) {
  const layers = useMemo(() => counted(rows.map((row) => row.layer)), [rows]);
  const kinds = useMemo(() => counted(rows.map((row) => row.kind)), [rows]);
  const asked = choice.words || choice.layers[0] || choice.kinds[0] || choice.fresh || choice.tests;
  return (
    <form
      className={styles.filters}
      role="search"
      aria-label="Datasets"
      onSubmit={(event) => event.preventDefault()}
    >
      <Words words={choice.words} onWords={(words) => change({ search: words })} />
      <Pick
        label="Layer"
        value={choice.layers[0]}
        options={layers}
        onPick={(layer) => change({ layer })}
      />
      <Pick
        label="Kind"
        value={choice.kinds[0]}
        options={kinds}
        onPick={(kind) => change({ kind })}
      />
      <Pick
        label="Freshness"
        value={choice.fresh}
        options={FRESH}
        onPick={(fresh) => change({ fresh })}
      />
      <Pick
        label="Tests"
        value={choice.tests}
        options={TESTS}
        onPick={(tests) => change({ tests })}
      />
      {asked && (
        <Button kind="quiet" icon="close" onClick={() => change(CLEARED)}>
          Clear
        </Button>
      )}
    </form>
  );
}

const FRESH: Option[] = [
  ["fresh", "on time"],
  ["stale", "too old"],
  ["unknown", "not known"],
];
const TESTS: Option[] = [
  ["failing", "failing"],
  ["passing", "all passed"],
  ["unknown", "not run"],
  ["none", "none"],
];

/** The search field keeps its letters; the address follows when the typing pauses. */
function Words({ words, onWords }: { words: string; onWords: (words: string) => void }) {
  const [typed, type] = useState(words);
  const told = useRef(words);
  useEffect(() => {
    if (words !== told.current) {
      told.current = words;
      type(words);
    }
  }, [words]);
  useEffect(() => {
    if (typed === told.current) return;
    const timer = window.setTimeout(() => {
      told.current = typed;
      onWords(typed);
    }, PAUSE);
    return () => window.clearTimeout(timer);
  }, [typed, onWords]);
  return (
    <Field label="Search">
      {(wired) => (
        <input
          {...wired}
          type="search"
          className={styles.search}
          placeholder="Name or description"
          value={typed}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => type(event.target.value)}
        />
      )}
    </Field>
  );
}

type Option = [value: string, said: string | number];

interface PickProps {
  label: string;
  value: string | undefined;
  options: Option[];
  onPick: (value: string | undefined) => void;
}

function Pick({ label, value, options, onPick }: PickProps) {
  return (
    <Field label={label}>
      {(wired) => (
        <select
          {...wired}
          value={value ?? ""}
          onChange={(event) => onPick(event.target.value || undefined)}
        >
          <option value="">all</option>
          {options.map(([name, said]) => (
            <option key={name} value={name}>
              {typeof said === "number" ? `${name} (${numberText(said)})` : said}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface DatasetsProps {
  rows: DatasetRow[];
  sorted: string;
  onSort: (sorted: string) => void;
  onClear: () => void;
}

function Datasets({ rows, sorted, onSort, onClear }: DatasetsProps) {
  const narrow = useNarrow();
  return (
    <Table
      label="Datasets"
      rows={rows}
      columns={narrow ? SLIM : COLUMNS}
      keyOf={(row) => row.name}
      linkOf={(row) => datasetPath(row.name)}
      sorted={sorted}
      onSort={onSort}
      height="fill"
      rowHeight={narrow ? 64 : 52}
      empty={
        <Empty
          title="No dataset fits."
          action={<Button onClick={onClear}>Show all datasets</Button>}
        >
          Use fewer words, or take a filter away.
        </Empty>
      }
    />
  );
}

function Name({ row }: { row: DatasetRow }) {
  const { last, before } = parted(row.name);
  return (
    <span className={styles.two} title={row.name}>
      <b>{last}</b>
      <span>{[before.replace(/[./]$/, ""), row.description].filter(Boolean).join(" · ")}</span>
    </span>
  );
}

function Two({ first, second }: { first: string; second: string }) {
  return (
    <span className={styles.two}>
      <span>{first}</span>
      <span>{second}</span>
    </span>
  );
}

function Built({ row }: { row: DatasetRow }) {
  if (!row.built) return <span className={styles.quiet}>never</span>;
  return (
    <span className={styles.built}>
      <State state={row.built.state} bare />
      <Link to={taskPath(row.built.run_id, row.built.key)}>
        <Time at={row.built.at} distance />
      </Link>
    </span>
  );
}

const byTime = (row: DatasetRow): number | null => (row.built ? Date.parse(row.built.at) : null);

const columnsText = (row: DatasetRow): string =>
  row.columns > 0 ? countText(row.columns, "column") : "";

const NAME: TableColumn<DatasetRow> = {
  id: "name",
  title: "Dataset",
  cell: (row) => <Name row={row} />,
  sort: (row) => row.name,
  width: "minmax(14rem, 1fr)",
};
const COLUMNS: TableColumn<DatasetRow>[] = [
  NAME,
  {
    id: "layer",
    title: "Layer",
    cell: (row) => <Two first={row.layer ?? "–"} second={row.kind ?? ""} />,
    sort: (row) => row.layer,
    width: "7rem",
  },
  {
    id: "rows",
    title: "Rows",
    cell: (row) => <Two first={numberText(row.rows)} second={columnsText(row)} />,
    sort: (row) => row.rows,
    width: "6.5rem",
    align: "end",
  },
  {
    id: "built",
    title: "Last built",
    cell: (row) => <Built row={row} />,
    sort: byTime,
    width: "8rem",
  },
  {
    id: "fresh",
    title: "Freshness",
    cell: (row) => <FreshMark fresh={row.fresh} />,
    sort: (row) => row.fresh?.age_seconds,
    width: "8rem",
  },
  {
    id: "tests",
    title: "Tests",
    cell: (row) => <TestMark tests={row.tests} />,
    sort: testRank,
    width: "7.5rem",
  },
  {
    id: "readers",
    title: "Read by",
    cell: (row) => numberText(row.readers),
    sort: (row) => row.readers,
    width: "4.5rem",
    align: "end",
  },
];
const SLIM: TableColumn<DatasetRow>[] = [
  { ...NAME, width: "minmax(0, 1fr)" },
  {
    id: "built",
    title: "Built, tests",
    cell: (row) => (
      <span className={styles.slim}>
        <Built row={row} />
        <TestMark tests={row.tests} />
      </span>
    ),
    sort: byTime,
    width: "7.5rem",
  },
];

/** Arrow keys walk from the search field into the rows and along them. */
function walkRows(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const target = event.target as HTMLElement;
  const links = [
    ...event.currentTarget.querySelectorAll<HTMLElement>("[role=row] [role=cell]:first-child a"),
  ];
  const at = links.indexOf(target);
  if (step === undefined || (at < 0 && !(target.matches("input[type=search]") && step === 1)))
    return;
  event.preventDefault();
  if (at === 0 && step === -1)
    event.currentTarget.querySelector<HTMLElement>("input[type=search]")?.focus();
  else links[at + step]?.focus();
}

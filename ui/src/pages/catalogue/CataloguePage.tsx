/** The page "Catalogue": every dataset, found by words, layer, kind, freshness and tests. */

import { useMemo, useState } from "react";

import { useGet } from "../../api/client";
import type { DatasetRow } from "../../api/types";
import { Empty } from "../../parts/Empty";
import { countText, numberText } from "../../parts/formats";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { one, useUrl } from "../../parts/url";
import styles from "./Catalogue.module.css";
import { choiceOf, chosen, CLEARED } from "./choosing";
import { Datasets, walkRows } from "./Datasets";
import { Filters } from "./Filters";

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

function NoDatasets() {
  return (
    <Empty title="No flow of this project reads or writes a dataset yet.">
      Add a dbt model, a file below <code>sql/</code>, or a task with <code>reads=</code> and{" "}
      <code>writes=</code>. What they touch appears here, without being declared again.
    </Empty>
  );
}

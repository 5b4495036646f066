/** All runs, the newest first. */

import { useMemo } from "react";

import { Empty } from "../../parts/Empty";
import { countText, numberText } from "../../parts/formats";
import { Link } from "../../parts/Link";
import { useNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { Table } from "../../parts/Table";
import { many, useUrl } from "../../parts/url";
import { comparePath, runPath } from "../../paths";
import { columnsOf } from "./columns";
import { RunFilters } from "./RunFilters";
import { filtersOf, isFiltered } from "./filters";
import styles from "./Runs.module.css";
import { useRuns } from "./useRuns";

export default function RunsPage() {
  const [search, change] = useUrl();
  const filters = filtersOf(search);
  const picked = many(search.pick);
  const found = useRuns(filters);
  const narrow = useNarrow();
  const picks = picked.join(" ");
  const columns = useMemo(() => {
    const before = picks.split(" ").filter(Boolean);
    return columnsOf(narrow, before, (id) => {
      const without = before.filter((each) => each !== id);
      change({ pick: without.length < before.length ? without : [...before.slice(-1), id] });
    });
  }, [narrow, picks, change]);
  return (
    <Page title="Runs" full actions={<Compare picked={picked} />}>
      <RunFilters filters={filters} onChange={change} />
      {found.error && <Problem error={found.error} onAgain={found.again} />}
      {found.runs.length > 0 ? (
        <>
          <Table
            label="Runs"
            height="fill"
            rowHeight={narrow ? 58 : 40}
            rows={found.runs}
            columns={columns}
            keyOf={(run) => run.run_id}
            linkOf={(run) => runPath(run.run_id)}
            onEnd={found.onEnd}
          />
          <p className={styles.status} role="status">
            {found.more
              ? `${numberText(found.runs.length)} runs here; scroll for older ones.`
              : `${countText(found.runs.length, "run")}, all there are.`}{" "}
            {found.live === "live" ? "Live." : "Not live just now."}
          </p>
        </>
      ) : (
        !found.error && <None filtered={isFiltered(filters)} loading={found.loading} />
      )}
    </Page>
  );
}

function Compare({ picked }: { picked: string[] }) {
  const [a, b] = picked;
  if (!a) return null;
  if (!b) return <span className={styles.status}>Choose a second run to compare with.</span>;
  return <Link to={comparePath(a, b)}>Compare the two chosen runs</Link>;
}

function None({ filtered, loading }: { filtered: boolean; loading: boolean }) {
  if (loading) return <p role="status">Looking…</p>;
  if (filtered) {
    return (
      <Empty title="No run is like that.">
        <Link to="/runs">Show all runs</Link>, or ask for other states or days.
      </Empty>
    );
  }
  return (
    <Empty title="Nothing has run yet.">
      Start a run from <Link to="/flows">Flows</Link>, or in a terminal with{" "}
      <code>orchestrator run FLOW</code>.
    </Empty>
  );
}

/** The lineage of a dataset or of one of its columns: drawn, or as a table, with the evidence beside it. */

import { useCallback, useMemo, useState } from "react";

import { Button } from "../parts/Button";
import { Empty } from "../parts/Empty";
import { Problem } from "../parts/Problem";
import { many, one, useUrl, type Search } from "../parts/url";
import { DEEPEST, furtherOf, useLineage, WAYS, type Way } from "./asking";
import { Board } from "./Board";
import { LinkTable } from "./LinkTable";
import styles from "./Lineage.module.css";
import { columnText, type Drawn, type Link } from "./model";
import { Panel } from "./Panel";

/** Steps at first: along one column, and around a whole dataset. */
const ALONG = 4;
const AROUND = 1;

interface Props {
  dataset: string;
  /** All its columns, in order. */
  columns: readonly string[];
}

export function LineageView({ dataset, columns }: Props) {
  const [search, change] = useUrl();
  const column = one(search.column) || null;
  const way = WAYS.find((each) => each === one(search.direction)) ?? "both";
  const depth = Math.min(
    DEEPEST,
    Math.max(1, Math.floor(Number(one(search.depth))) || (column === null ? AROUND : ALONG)),
  );
  const further = useMemo(() => many(search.further), [search.further]);
  const { drawn, asking, error, again } = useLineage({
    dataset,
    column,
    columns,
    way,
    depth,
    further,
  });
  const [picked, pick] = useState<Link | null>(null);
  const asTable = one(search.as) === "table";

  const follow = useCallback(
    (port: { dataset: string; column: string | null }) => {
      pick(null);
      change({ name: port.dataset, column: port.column ?? undefined, further: undefined }, true);
    },
    [change],
  );
  const goOn = useCallback(
    (to: "up" | "down", name: string) =>
      change({ further: [...new Set([...further, furtherOf(to, name)])] }),
    [change, further],
  );

  return (
    <section className={styles.lineage} aria-label="Lineage" aria-busy={asking}>
      <Tools {...{ column, way, depth, asTable, change }} more={drawn?.more ?? false} />
      {error && <Problem error={error} onAgain={again} />}
      {!drawn && !error && (
        <p role="status">
          Reading the columns. The first time, dbt compiles what it has not compiled before…
        </p>
      )}
      {drawn && <Unknown drawn={drawn} />}
      {drawn && drawn.links.length === 0 && <NoLinks column={column} way={way} change={change} />}
      {drawn && drawn.links.length > 0 && (
        <div className={styles.split}>
          {asTable ? (
            <LinkTable links={drawn.links} onFollow={follow} />
          ) : (
            <Board
              drawn={drawn}
              focus={{ dataset, column }}
              way={way}
              further={further}
              picked={picked}
              onPick={pick}
              onFollow={follow}
              onFurther={goOn}
            />
          )}
          {!asTable && (
            <Panel
              drawn={drawn}
              focus={{ dataset, column }}
              picked={picked}
              onPick={pick}
              onFollow={follow}
            />
          )}
        </div>
      )}
    </section>
  );
}

interface ToolsProps {
  more: boolean;
  column: string | null;
  way: Way;
  depth: number;
  asTable: boolean;
  change: (patch: Search, push?: boolean) => void;
}

const WORDS: Record<Way, string> = {
  up: "What feeds it",
  both: "Both ways",
  down: "What it feeds",
};

function Tools({ column, way, depth, asTable, more, change }: ToolsProps) {
  return (
    <div className={styles.tools}>
      <div className={styles.choice} role="group" aria-label="Direction">
        {WAYS.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === way}
            onClick={() => change({ direction: each })}
          >
            {WORDS[each]}
          </button>
        ))}
      </div>
      <div className={styles.depth} role="group" aria-label="Steps">
        <Button
          kind="quiet"
          icon="minus"
          bare
          disabled={depth <= 1}
          onClick={() => change({ depth: String(depth - 1) })}
        >
          One step less
        </Button>
        <output aria-live="polite">{depth === 1 ? "1 step" : `${depth} steps`}</output>
        <Button
          kind="quiet"
          icon="plus"
          bare
          disabled={depth >= DEEPEST}
          onClick={() => change({ depth: String(depth + 1) })}
        >
          One step more
        </Button>
        {more && <span className={styles.quiet}>There is more beyond.</span>}
      </div>
      <div className={styles.choice} role="group" aria-label="Shown as">
        {[false, true].map((table) => (
          <button
            key={String(table)}
            type="button"
            aria-pressed={table === asTable}
            onClick={() => change({ as: table ? "table" : undefined })}
          >
            {table ? "Table" : "Drawing"}
          </button>
        ))}
      </div>
      {column !== null && (
        <Button
          kind="quiet"
          icon="close"
          onClick={() => change({ column: undefined, further: undefined }, true)}
        >
          All columns
        </Button>
      )}
    </div>
  );
}

/** What is not known is said, with the reason: a missing line must not look like no dependency. */
function Unknown({ drawn }: { drawn: Drawn }) {
  if (drawn.unknown.size === 0) return null;
  return (
    <details className={styles.unknown} open={drawn.unknown.size <= 3}>
      <summary>
        Not everything is known:{" "}
        {drawn.unknown.size === 1 ? "1 dataset" : `${drawn.unknown.size} datasets`}
      </summary>
      <ul>
        {[...drawn.unknown].map(([name, why]) => (
          <li key={name}>
            <b>{name}</b>: {why}
          </li>
        ))}
      </ul>
    </details>
  );
}

function NoLinks({ column, way, change }: Pick<ToolsProps, "column" | "way" | "change">) {
  const what = column === null ? "this dataset" : `the column ${columnText(column)}`;
  const words = {
    up: `Nothing feeds ${what}.`,
    down: `Nothing is made of ${what}.`,
    both: `Nothing feeds ${what}, and nothing is made of it.`,
  };
  return (
    <Empty
      title={words[way]}
      action={
        way === "both" ? undefined : (
          <Button onClick={() => change({ direction: "both" })}>Look both ways</Button>
        )
      }
    >
      {column === null
        ? "No flow of this project connects it with another dataset."
        : "No statement that could be read uses it. What could not be read is named above, if there is any."}
    </Empty>
  );
}

/** The datasets as a table whose rows one can walk along. */

import type { KeyboardEvent } from "react";

import type { DatasetRow } from "../../api/types";
import { Button } from "../../parts/Button";
import { Empty } from "../../parts/Empty";
import { useNarrow } from "../../parts/narrow";
import { Table } from "../../parts/Table";
import { datasetPath } from "../../paths";
import { COLUMNS, SLIM } from "./columns";

interface DatasetsProps {
  rows: DatasetRow[];
  sorted: string;
  onSort: (sorted: string) => void;
  onClear: () => void;
}

export function Datasets({ rows, sorted, onSort, onClear }: DatasetsProps) {
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

/** Arrow keys walk from the search field into the rows and along them. */
export function walkRows(event: KeyboardEvent<HTMLElement>): void {
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

/** The columns of a dataset: type, description, tests, and the way to each one's lineage. */

import { useMemo, useState } from "react";

import type { Column, WholeDataset } from "../../api/types";
import { Empty } from "../../parts/Empty";
import { Field } from "../../parts/Field";
import { Link } from "../../parts/Link";
import { useNarrow } from "../../parts/narrow";
import { datasetPath } from "../../paths";
import styles from "./Dataset.module.css";

/** Why its columns are not known, or not all, the server says besides. */
type Told = WholeDataset & { columns_unknown?: string | null };

/** From so many columns on, they can be searched. */
const MANY = 15;

export const columnPath = (dataset: string, column: string): string =>
  `${datasetPath(dataset)}&column=${encodeURIComponent(column)}&view=lineage`;

export function Columns({ dataset }: { dataset: Told }) {
  const narrow = useNarrow();
  const [words, type] = useState("");
  const shown = useMemo(() => matching(dataset.columns, words), [dataset.columns, words]);
  const why = dataset.columns_unknown;
  if (dataset.columns.length === 0) {
    return (
      <Empty title="Its columns are not known.">
        {why && <p>{why}.</p>}
        Describe them in a dbt properties file, name them in <code>writes=</code>, or run the flow,
        so that the warehouse can be asked.
      </Empty>
    );
  }
  return (
    <div className={styles.section}>
      {why && <p className={styles.note}>These may not be all: {why}.</p>}
      {dataset.columns.length >= MANY && (
        <Field label="Search columns" inline>
          {(wired) => (
            <input
              {...wired}
              type="search"
              value={words}
              onChange={(event) => type(event.target.value)}
            />
          )}
        </Field>
      )}
      {narrow ? (
        <AsList dataset={dataset.name} columns={shown} />
      ) : (
        <AsTable dataset={dataset.name} columns={shown} />
      )}
      {shown.length === 0 && <p className={styles.quiet}>No column is called or described so.</p>}
    </div>
  );
}

interface Shown {
  dataset: string;
  columns: readonly Column[];
}

function AsTable({ dataset, columns }: Shown) {
  return (
    <div className={styles.tableBox}>
      <table className={styles.table}>
        <caption className="unseen">Columns of {dataset}</caption>
        <thead>
          <tr>
            <th scope="col">Column</th>
            <th scope="col">Type</th>
            <th scope="col">Description</th>
            <th scope="col">Tests</th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column) => (
            <tr key={column.name}>
              <th scope="row">
                <Name dataset={dataset} column={column} />
              </th>
              <td className={styles.type}>{column.type ?? "–"}</td>
              <td>{column.description || <span className={styles.quiet}>–</span>}</td>
              <td>
                <Tags tests={column.tests} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function AsList({ dataset, columns }: Shown) {
  return (
    <ul className={styles.list} aria-label={`Columns of ${dataset}`}>
      {columns.map((column) => (
        <li key={column.name}>
          <p className={styles.first}>
            <Name dataset={dataset} column={column} />
            <span className={styles.type}>{column.type}</span>
          </p>
          {column.description && <p>{column.description}</p>}
          <Tags tests={column.tests} />
        </li>
      ))}
    </ul>
  );
}

function Name({ dataset, column }: { dataset: string; column: Column }) {
  return (
    <Link
      to={columnPath(dataset, column.name)}
      className={styles.mono}
      title={`Follow ${column.name}`}
    >
      {column.name}
    </Link>
  );
}

function Tags({ tests }: { tests: readonly string[] }) {
  if (tests.length === 0) return null;
  return (
    <ul className={styles.tags} aria-label="Tests">
      {tests.map((test) => (
        <li key={test}>{test}</li>
      ))}
    </ul>
  );
}

function matching(columns: readonly Column[], words: string): readonly Column[] {
  const wanted = words.trim().toLowerCase();
  return wanted
    ? columns.filter((each) =>
        `${each.name} ${each.description ?? ""}`.toLowerCase().includes(wanted),
      )
    : columns;
}

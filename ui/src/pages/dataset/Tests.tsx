/** The tests of a dataset, each with its last result. */

import type { WholeDataset } from "../../api/types";
import { Empty } from "../../parts/Empty";
import { numberText } from "../../parts/formats";
import { Link } from "../../parts/Link";
import { State } from "../../parts/State";
import { Time } from "../../parts/Time";
import { taskPath } from "../../paths";
import styles from "./Dataset.module.css";

/** What failed comes first, what passed last. */
const FIRST = [
  "Failed",
  "TimedOut",
  "Running",
  "Retrying",
  "Submitted",
  "Skipped",
  "Cancelled",
  "Pending",
];

type Test = WholeDataset["tests_list"][number] & { run_id?: string | null };

export function Tests({ dataset }: { dataset: WholeDataset }) {
  if (dataset.tests_list.length === 0) {
    return (
      <Empty title="Nothing tests this dataset.">
        Add <code>not_null</code> or <code>unique</code> to a column in a dbt properties file, or an{" "}
        <code>SqlCheck</code> to the flow. What fails then holds back whatever reads it.
      </Empty>
    );
  }
  const tests: Test[] = [...dataset.tests_list].sort(
    (a, b) => rankOf(a.state) - rankOf(b.state) || a.name.localeCompare(b.name),
  );
  return (
    <div className={styles.tableBox}>
      <table className={styles.table}>
        <caption className="unseen">Tests of {dataset.name}</caption>
        <thead>
          <tr>
            <th scope="col">Test</th>
            <th scope="col">Last result</th>
            <th scope="col" className={styles.end}>
              Failing rows
            </th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          {tests.map((test) => (
            <tr key={test.key}>
              <th scope="row" title={test.key}>
                {test.name}
              </th>
              <td>
                {test.state ? (
                  <State state={test.state} />
                ) : (
                  <span className={styles.quiet}>not run</span>
                )}
              </td>
              <td className={styles.end}>{numberText(test.failures)}</td>
              <td>
                {test.run_id ? (
                  <Link to={taskPath(test.run_id, test.key)}>
                    <Time at={test.at} distance />
                  </Link>
                ) : (
                  <Time at={test.at} distance />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function rankOf(state: string | null): number {
  const at = FIRST.indexOf(state ?? "Pending");
  return at < 0 ? FIRST.length : at;
}

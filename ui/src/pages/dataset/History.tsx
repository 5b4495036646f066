/** The builds of a dataset: how many rows each left, as a line and as a table. */

import type { WholeDataset } from "../../api/types";
import { durationText, localText, numberText } from "../../parts/formats";
import { Empty } from "../../parts/Empty";
import { Link } from "../../parts/Link";
import { Time } from "../../parts/Time";
import { runPath } from "../../paths";
import styles from "./Dataset.module.css";
import { changeText, dots, steps, type Build } from "./history";

const WIDE = 720;
const HIGH = 120;

export function History({ dataset }: { dataset: WholeDataset }) {
  if (dataset.history.length === 0) {
    return (
      <Empty title="No run has built it yet.">
        Once one has, its rows are drawn here build by build.
      </Empty>
    );
  }
  return (
    <div className={styles.section}>
      <Chart history={dataset.history} />
      <div className={styles.tableBox}>
        <table className={styles.table}>
          <caption className="unseen">Builds of {dataset.name}, newest first</caption>
          <thead>
            <tr>
              <th scope="col">Built</th>
              <th scope="col" className={styles.end}>
                Rows
              </th>
              <th scope="col" className={styles.end}>
                Change
              </th>
              <th scope="col" className={styles.end}>
                Took
              </th>
              <th scope="col">Run</th>
            </tr>
          </thead>
          <tbody>
            {steps(dataset.history).map((build) => (
              <tr key={`${build.run_id} ${build.at}`}>
                <td>
                  <Time at={build.at} />
                </td>
                <td className={styles.end}>{numberText(build.rows)}</td>
                <td className={styles.end}>{changeText(build.change)}</td>
                <td className={styles.end}>{durationText(build.seconds)}</td>
                <td>
                  <Link to={runPath(build.run_id)} className={styles.mono}>
                    {build.run_id}
                  </Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Chart({ history }: { history: readonly Build[] }) {
  const found = dots(history, WIDE, HIGH);
  if (found.length < 2) return null;
  const most = Math.max(...found.map(({ build }) => build.rows ?? 0));
  return (
    <figure className={styles.chart}>
      <figcaption className={styles.quiet}>Rows, up to {numberText(most)}</figcaption>
      <svg
        viewBox={`-8 -8 ${WIDE + 16} ${HIGH + 16}`}
        role="img"
        aria-label={`Rows of the last ${found.length} builds, in the table below`}
      >
        <path className={styles.ground} d={`M0 ${HIGH}H${WIDE}`} />
        <path
          className={styles.line}
          d={`M${found.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`}
        />
        {found.map(({ x, y, build }) => (
          <circle key={`${build.run_id} ${build.at}`} cx={x} cy={y} r={3.5} className={styles.dot}>
            <title>{`${numberText(build.rows)} rows, ${localText(build.at)}`}</title>
          </circle>
        ))}
      </svg>
    </figure>
  );
}

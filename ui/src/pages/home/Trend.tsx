/** Durations of the last runs of each flow. */

import { useMemo } from "react";

import type { Home } from "../../api/types";
import type { Bar } from "../../parts/barData";
import { Bars } from "../../parts/Bars";
import { Link } from "../../parts/Link";
import { flowPath, runPath } from "../../paths";
import styles from "./Home.module.css";

export function Trend({ trend }: { trend: Home["trend"] }) {
  return (
    <div className={styles.trends}>
      {trend.map((each) => (
        <One key={each.flow} {...each} />
      ))}
    </div>
  );
}

function One({ flow, runs }: Home["trend"][number]) {
  const bars = useMemo<Bar[]>(
    () =>
      [...runs]
        .sort((a, b) => (a.started ?? "").localeCompare(b.started ?? ""))
        .map((run) => ({
          key: run.run_id,
          value: run.seconds,
          state: run.state,
          at: run.started,
          to: runPath(run.run_id),
        })),
    [runs],
  );
  return (
    <div className={styles.trend}>
      <h3>
        <Link to={flowPath(flow)}>{flow}</Link>
      </h3>
      <Bars title={`Durations of ${flow}`} bars={bars} />
    </div>
  );
}

/** How long a task took in the last runs of its flow, and how many rows it made. */

import { useMemo, useState } from "react";

import { useGet } from "../../api/client";
import type { TaskHistory } from "../../api/types";
import { durationText, numberText } from "../../parts/formats";
import { Problem } from "../../parts/Problem";
import { taskPath } from "../../paths";
import type { Bar } from "./bars";
import { RunBars } from "./RunBars";
import styles from "./TaskPage.module.css";

type Measure = "seconds" | "rows";
const WORDS = {
  seconds: (value: number | null) => durationText(value),
  rows: (value: number | null) => numberText(value),
};

export function Timing({ flow, task }: { flow: string; task: string }) {
  const found = useGet<TaskHistory>("/tasks/history", { flow, key: task, last: 30 });
  const [measure, setMeasure] = useState<Measure>("seconds");
  const history = found.data?.history;
  const bars = useMemo(() => {
    const rows = [...(history ?? [])].sort((a, b) =>
      (a.started ?? "").localeCompare(b.started ?? ""),
    );
    return rows.map((one): Bar => ({
      run: one.run_id,
      at: one.started,
      value: one[measure],
      state: one.state,
      more:
        measure === "seconds"
          ? { Rows: WORDS.rows(one.rows) }
          : { Duration: WORDS.seconds(one.seconds) },
    }));
  }, [history, measure]);
  const counted = history?.some((one) => one.rows !== null) ?? false;
  return (
    <section className={styles.timing}>
      <div className={styles.row}>
        <h3>In the last runs</h3>
        {counted && (
          <div role="group" aria-label="Measure" className={styles.switch}>
            {(["seconds", "rows"] as const).map((each) => (
              <button
                key={each}
                type="button"
                aria-pressed={measure === each}
                onClick={() => setMeasure(each)}
              >
                {each === "seconds" ? "Duration" : "Rows"}
              </button>
            ))}
          </div>
        )}
      </div>
      {found.error && <Problem error={found.error} />}
      {found.data && bars.length === 0 && <p className={styles.quiet}>It has not run before.</p>}
      {bars.length > 0 && (
        <RunBars
          bars={bars}
          measure={measure === "seconds" ? "Duration" : "Rows"}
          words={WORDS[measure]}
          link={(bar) => taskPath(bar.run, task)}
        />
      )}
    </section>
  );
}

/** How long a task took in the last runs of its flow, and how many rows it made. */

import { useMemo, useState } from "react";

import { useGet } from "../../api/client";
import type { TaskHistory } from "../../api/types";
import { DURATION, ROWS, type Bar } from "../../parts/barData";
import { Bars } from "../../parts/Bars";
import { Problem } from "../../parts/Problem";
import { taskPath } from "../../paths";
import styles from "./TaskPage.module.css";

const MEASURES = { seconds: DURATION, rows: ROWS };

export function Timing({ flow, task }: { flow: string; task: string }) {
  const found = useGet<TaskHistory>("/tasks/history", { flow, key: task, last: 30 });
  const [measure, setMeasure] = useState<keyof typeof MEASURES>("seconds");
  const history = found.data?.history;
  const bars = useMemo(() => {
    const rows = [...(history ?? [])].sort((a, b) =>
      (a.started ?? "").localeCompare(b.started ?? ""),
    );
    return rows.map((one): Bar => ({
      key: one.run_id,
      at: one.started,
      value: one[measure],
      state: one.state,
      to: taskPath(one.run_id, task),
      more:
        measure === "seconds"
          ? { Rows: ROWS.words(one.rows) }
          : { Duration: DURATION.words(one.seconds) },
    }));
  }, [history, measure, task]);
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
                {MEASURES[each].name}
              </button>
            ))}
          </div>
        )}
      </div>
      {found.error && <Problem error={found.error} />}
      {found.data && bars.length === 0 && <p className={styles.quiet}>It has not run before.</p>}
      {bars.length > 0 && (
        <Bars
          title={`${MEASURES[measure].name} in the last runs`}
          bars={bars}
          measure={MEASURES[measure]}
          height={180}
        />
      )}
    </section>
  );
}

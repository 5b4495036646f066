/** The last runs of a flow as a row of small bars: how long each took, and how it ended. */

import type { FlowDuration } from "../../api/types";
import { durationText } from "../../parts/formats";
import { colourOf, toneOf } from "../../parts/states";
import { heights } from "./heights";

const STEP = 6;
const HIGH = 22;

/** The oldest run first. */
export function Spark({ runs }: { runs: readonly FlowDuration[] }) {
  if (runs.length === 0) return <span>–</span>;
  const shares = heights(runs.map((run) => run.seconds));
  return (
    <svg width={runs.length * STEP} height={HIGH} role="img" aria-label={wordsOf(runs)}>
      {runs.map((run, index) => {
        const high = (shares[index] ?? 0) * HIGH;
        const x = index * STEP;
        return (
          <rect
            key={run.run_id}
            x={x}
            y={HIGH - high}
            width={STEP - 2}
            height={high}
            rx={1}
            fill={colourOf(run.state)}
          />
        );
      })}
    </svg>
  );
}

function wordsOf(runs: readonly FlowDuration[]): string {
  const failed = runs.filter((run) => toneOf(run.state) === "failed").length;
  const last = runs.at(-1)?.seconds ?? null;
  return `Last ${runs.length} runs: ${failed} failed, the last took ${durationText(last)}`;
}

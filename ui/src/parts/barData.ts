/** What a chart of runs draws and says: a measure, a bar for each run, a series for each tone. */

import { durationText, numberText } from "./formats";
import { toneOf, type Tone } from "./states";

export interface Bar {
  key: string;
  value: number | null;
  state: string;
  at: string | null;
  /** Where a press on the bar leads. */
  to: string;
  /** What else is said of the run, by column of the table. */
  more?: Record<string, string>;
}

/** What bars are as high as. */
export interface Measure {
  name: string;
  words: (value: number | null) => string;
  /** A value on the axis, and the steps there that read well. */
  tick: (value: number) => string;
  steps?: number[];
}

export const DURATION: Measure = {
  name: "Duration",
  words: durationText,
  tick: tickText,
  steps: [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800,
    3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
  ],
};

export const ROWS: Measure = {
  name: "Rows",
  words: numberText,
  tick: (rows) => (Number.isInteger(rows) ? numberText(rows) : ""),
};

/** "20 s", "5 min", "2 h". */
function tickText(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 60) return `${Number(seconds.toFixed(2))} s`;
  if (seconds < 3600) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}

/** "Last 42 s, typically 40 s; 2 of 30 failed." */
export function wordsOf(bars: readonly Bar[], words: Measure["words"] = durationText): string {
  const known = bars.filter((bar) => bar.value !== null);
  const last = known.at(-1);
  if (!last) return "No run has ended yet.";
  const sorted = known.map((bar) => bar.value ?? 0).sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? null;
  const failed = bars.filter((bar) => toneOf(bar.state) === "failed").length;
  const runs = known.length === 1 ? "" : `, typically ${words(middle)}`;
  const broken = failed ? `; ${numberText(failed)} of ${bars.length} failed` : "";
  return `Last ${words(last.value)}${runs}${broken}.`;
}

const ORDER: Tone[] = [
  "success",
  "warned",
  "failed",
  "running",
  "retrying",
  "skipped",
  "cancelled",
  "pending",
];

export interface Series {
  tones: Tone[];
  /** The places, then the values of each tone. */
  data: (number | null)[][];
}

export function seriesOf(bars: readonly Bar[]): Series {
  const tones = ORDER.filter((tone) => bars.some((bar) => toneOf(bar.state) === tone));
  const values = tones.map((tone) =>
    bars.map((bar) => (toneOf(bar.state) === tone ? bar.value : null)),
  );
  return { tones, data: [bars.map((_, index) => index), ...values] };
}

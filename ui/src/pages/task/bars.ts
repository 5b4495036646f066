/** What a chart of runs draws: one series of bars for each tone, at the places of its runs. */

import { toneOf, type Tone } from "../../parts/states";

export interface Bar {
  run: string;
  at: string | null;
  value: number | null;
  state: string;
  /** What else the table says of the run, by column. */
  more?: Record<string, string>;
}

export interface Series {
  tones: Tone[];
  /** The places, then the values of each tone. */
  data: (number | null)[][];
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

export function seriesOf(bars: Bar[]): Series {
  const tones = ORDER.filter((tone) => bars.some((bar) => toneOf(bar.state) === tone));
  const values = tones.map((tone) =>
    bars.map((bar) => (toneOf(bar.state) === tone ? bar.value : null)),
  );
  return { tones, data: [bars.map((_, index) => index), ...values] };
}

/** The bar below a share of the width, 0 to 1. */
export function barAt(share: number, count: number): number {
  return Math.min(Math.max(Math.floor(share * count), 0), Math.max(count - 1, 0));
}

/** The rows of a dataset over its builds: what changed, and where a chart draws it. */

export interface Build {
  at: string;
  rows: number | null;
  seconds: number | null;
  run_id: string;
}

export interface Step extends Build {
  /** Rows more or fewer than the build before that knew them. */
  change: number | null;
}

/** Builds, newest first, each with what changed since the one before. */
export function steps(history: readonly Build[]): Step[] {
  let before: number | null = null;
  return [...history]
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
    .map((build) => {
      const change = before !== null && build.rows !== null ? build.rows - before : null;
      before = build.rows ?? before;
      return { ...build, change };
    })
    .reverse();
}

/** "+1,204", "−3", "the same". */
export function changeText(change: number | null): string {
  if (change === null) return "–";
  if (change === 0) return "the same";
  return `${change > 0 ? "+" : "−"}${Math.abs(change).toLocaleString("en-US")}`;
}

export interface Dot {
  x: number;
  y: number;
  build: Build;
}

/** Dots from left (oldest) to right, their heights from 0 at the bottom to the most rows on top. */
export function dots(history: readonly Build[], wide: number, high: number): Dot[] {
  const known = [...history]
    .filter((build) => build.rows !== null)
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  const most = Math.max(1, ...known.map((build) => build.rows ?? 0));
  return known.map((build, at) => ({
    x: known.length === 1 ? wide / 2 : (at / (known.length - 1)) * wide,
    y: high - ((build.rows ?? 0) / most) * high,
    build,
  }));
}

/** The time axis: which stretch is shown, how it is zoomed and moved, and where its ticks are. */

/** Milliseconds since 1970, from and to. */
export type Range = readonly [number, number];

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS = [
  10,
  20,
  50,
  100,
  200,
  500,
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
];

/** Nobody looks closer than this. */
export const SHORTEST = 50;

/** Where an instant lies in a range: 0 at its beginning, 1 at its end. */
export const share = (at: number, [from, to]: Range): number =>
  (at - from) / Math.max(1, to - from);

function within([from, to]: Range, [first, last]: Range): Range {
  const length = Math.min(to - from, last - first);
  const start = Math.min(Math.max(from, first), last - length);
  return [start, start + length];
}

/** The range, `factor` times as long, with `at` left where it is; never outside of `all`. */
export function zoomed(range: Range, all: Range, factor: number, at: number): Range {
  const length = Math.max(SHORTEST, (range[1] - range[0]) * factor);
  const start = at - share(at, range) * length;
  return within([start, start + length], all);
}

/** The range, moved by a share of its length; never outside of `all`. */
export function moved([from, to]: Range, all: Range, by: number): Range {
  const shift = (to - from) * by;
  return within([from + shift, to + shift], all);
}

export const isWhole = (range: Range, all: Range): boolean =>
  range[0] <= all[0] && range[1] >= all[1];

export interface Tick {
  at: number;
  label: string;
  /** The first tick of a local day. */
  day: boolean;
}

/** The shortest step that leaves at least `apart` pixels between ticks. */
export function stepFor([from, to]: Range, width: number, apart = 96): number {
  const most = Math.max(1, Math.floor(width / apart));
  return (
    STEPS.find((step) => (to - from) / step <= most) ??
    7 * DAY * Math.ceil((to - from) / (7 * DAY * most))
  );
}

/** Ticks at round local times; a clock change moves them as it moves the clocks on the wall. */
export function ticks(range: Range, width: number): Tick[] {
  const step = stepFor(range, width);
  const found: Tick[] = [];
  let before: string | null = null;
  for (const at of step < HOUR ? evenly(range, step) : byTheWall(range, step)) {
    const day = new Date(at).toDateString();
    found.push({
      at,
      label: labelOf(at, step, before !== null && day !== before),
      day: before !== null && day !== before,
    });
    before = day;
  }
  return found;
}

function* evenly([from, to]: Range, step: number): Generator<number> {
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) yield at;
}

function* byTheWall([from, to]: Range, step: number): Generator<number> {
  const midnight = new Date(from);
  midnight.setHours(0, 0, 0, 0);
  const hours = step / HOUR;
  let last = -Infinity;
  for (let count = 0; ; count += hours) {
    const at = new Date(
      midnight.getFullYear(),
      midnight.getMonth(),
      midnight.getDate(),
      count,
    ).getTime();
    if (at > to) return;
    // The hour that a clock change leaves out falls onto its neighbour.
    if (at >= from && at > last) yield at;
    last = Math.max(last, at);
  }
}

const two = (value: number): string => String(value).padStart(2, "0");
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function labelOf(at: number, step: number, newDay: boolean): string {
  const then = new Date(at);
  if (step >= DAY || newDay) return `${then.getDate()} ${MONTHS[then.getMonth()]}`;
  const clock = `${two(then.getHours())}:${two(then.getMinutes())}`;
  if (step >= MINUTE) return clock;
  const seconds = two(then.getSeconds());
  if (step >= SECOND) return `${clock}:${seconds}`;
  return `${clock}:${seconds}.${String(then.getMilliseconds())
    .padStart(3, "0")
    .slice(0, step < 100 ? 2 : 1)}`;
}

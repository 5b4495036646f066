/** The occurrences of a schedule by day of its own zone, with what changes of clocks do to them. */

export interface Due {
  instant: string;
  nominal: string;
  local: string;
  timezone: string;
  repeat: number;
  note: string | null;
}

export interface ClockChange {
  timezone: string;
  instant: string;
  offset_before: number;
  offset_after: number;
  local_before: string;
  local_after: string;
  lost: string[];
  note: string;
}

export interface Preview {
  flow: string | null;
  schedule: string;
  timezones: string[];
  timezone_data: string;
  warnings: string[];
  occurrences: Due[];
  transitions: ClockChange[];
  coming_transitions: ClockChange[];
}

export interface Day {
  due: Due[];
  changes: ClockChange[];
}

export type Effect = "shifted" | "repeated" | null;

/** A month as `YYYY-MM`. */
export type Month = string;

/** What a change of clocks did to an occurrence. */
export function effectOf(due: Due): Effect {
  if (due.nominal.slice(0, 16) !== due.local.slice(0, 16)) return "shifted";
  return due.note ? "repeated" : null;
}

export function byDay(preview: Preview): Map<string, Day> {
  const days = new Map<string, Day>();
  const of = (date: string): Day => {
    const known = days.get(date) ?? { due: [], changes: [] };
    days.set(date, known);
    return known;
  };
  for (const due of preview.occurrences) of(due.local.slice(0, 10)).due.push(due);
  const seen = new Set<string>();
  for (const change of [...preview.transitions, ...preview.coming_transitions]) {
    const key = `${change.timezone} ${change.instant}`;
    if (!seen.has(key)) of(change.local_before.slice(0, 10)).changes.push(change);
    seen.add(key);
  }
  return days;
}

/** The weeks of a month from Monday to Sunday, with days of its neighbours. */
export function weeksOf(month: Month): string[][] {
  const first = new Date(`${month}-01T00:00:00Z`);
  const start = new Date(first);
  start.setUTCDate(1 - ((first.getUTCDay() + 6) % 7));
  const weeks: string[][] = [];
  const day = start;
  do {
    weeks.push(
      Array.from({ length: 7 }, () => {
        const date = day.toISOString().slice(0, 10);
        day.setUTCDate(day.getUTCDate() + 1);
        return date;
      }),
    );
  } while (day.toISOString().slice(0, 7) === month);
  return weeks;
}

/** The month that lies so many months away. */
export function monthAfter(month: Month, number: number): Month {
  const [year = 1970, of = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, of - 1 + number, 1)).toISOString().slice(0, 7);
}

/** The month it is now in a zone. */
export function monthIn(timezone: string, now: Date = new Date()): Month {
  return dayIn(timezone, now).slice(0, 7);
}

/** The day it is now in a zone. */
export function dayIn(timezone: string, now: Date = new Date()): string {
  const words = { timeZone: timezone, year: "numeric", month: "2-digit", day: "2-digit" } as const;
  return new Intl.DateTimeFormat("en-CA", words).format(now);
}

/** Whether a preview that was asked for so many occurrences tells all of a month. */
export function covers(preview: Preview, month: Month, asked: number): boolean {
  if (preview.occurrences.length < asked) return true;
  const first = preview.occurrences[0]?.local.slice(0, 7) ?? "";
  const last = preview.occurrences.at(-1)?.local.slice(0, 7) ?? "";
  return first < month && last > month;
}

/** The UTC time of an occurrence, with the days it lies from the local date. */
export function utcOf(due: Due): string {
  const days =
    (Date.parse(due.instant.slice(0, 10)) - Date.parse(due.local.slice(0, 10))) / 86_400_000;
  const away = days === 0 ? "" : ` ${days > 0 ? "+" : "−"}${Math.abs(days)} d`;
  return `${due.instant.slice(11, 16)} UTC${away}`;
}

export function localOf(due: Due): string {
  return due.local.slice(11, 16);
}

/** `UTC-04:00` of a local time with an offset. */
export function offsetOf(local: string): string {
  const offset = /(Z|[+-]\d{2}:\d{2})$/.exec(local)?.[1] ?? "";
  return offset === "" || offset === "Z" || offset === "+00:00"
    ? "UTC"
    : `UTC${offset.replace("-", "−")}`;
}

/** What a change of clocks means for the schedule, in a sentence. */
export function explained(change: ClockChange, due: Due[]): string {
  const forward = change.offset_after > change.offset_before;
  const minutes = Math.abs(change.offset_after - change.offset_before) / 60;
  const span =
    minutes % 60 ? `${minutes} minutes` : minutes === 60 ? "an hour" : `${minutes / 60} hours`;
  const what = forward
    ? `Clocks go forward: ${span} of this day does not exist.`
    : `Clocks go back: ${span} of this day comes twice.`;
  const lost = change.lost.map((time) => time.slice(11, 16));
  const notes = [
    ...new Set(due.filter((one) => effectOf(one)).map((one) => one.note ?? "")),
  ].filter(Boolean);
  const gone = lost.length ? [`${lost.join(", ")} is skipped: that time does not exist.`] : [];
  const told = [
    ...gone,
    ...notes.map((note) => `${note[0]?.toUpperCase() ?? ""}${note.slice(1)}.`),
  ];
  return [what, ...(told.length ? told : ["This schedule is not touched by it."])].join(" ");
}

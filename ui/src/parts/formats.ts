/** How numbers, durations and instants read. */

export type Instant = string;

/** "0.4 s", "12 s", "3 min 20 s", "2 h 05 min", "3 d 4 h". */
export function durationText(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, seconds);
  if (whole < 9.95) return `${whole.toFixed(whole < 0.095 ? 2 : 1)} s`;
  const rounded = Math.round(whole);
  if (rounded < 60) return `${rounded} s`;
  const minutes = Math.floor(rounded / 60);
  if (minutes < 60) return `${minutes} min ${two(rounded % 60)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** "1,234,567"; null is a dash. */
export function numberText(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : value.toLocaleString("en-US");
}

/** "2026-11-21 21:50:04 UTC". */
export function utcText(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** The wall clock of whoever looks: "21:50", "21 Nov 21:50", "21 Nov 2025 21:50". */
export function localText(at: Instant, now: Date = new Date(), seconds = false): string {
  const then = new Date(at);
  const clock = [then.getHours(), then.getMinutes(), ...(seconds ? [then.getSeconds()] : [])]
    .map(two)
    .join(":");
  if (then.toDateString() === now.toDateString()) return clock;
  const day = `${then.getDate()} ${MONTHS[then.getMonth()]}`;
  return then.getFullYear() === now.getFullYear()
    ? `${day} ${clock}`
    : `${day} ${then.getFullYear()} ${clock}`;
}

/** "just now", "4 min ago", "in 3 h". */
export function distanceText(at: Instant, now: Date = new Date()): string {
  const seconds = (new Date(at).getTime() - now.getTime()) / 1000;
  const size = Math.abs(seconds);
  if (size < 10) return "just now";
  const text =
    size < 90
      ? `${Math.round(size)} s`
      : size < 5400
        ? `${Math.round(size / 60)} min`
        : size < 129_600
          ? `${Math.round(size / 3600)} h`
          : `${Math.round(size / 86_400)} d`;
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

/** "1 task", "3 tasks". */
export function countText(count: number, one: string, many: string = `${one}s`): string {
  return `${numberText(count)} ${count === 1 ? one : many}`;
}

const two = (value: number): string => String(value).padStart(2, "0");
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Why an attempt failed, from what it left behind. */

import type { Attempt, Failure, TaskRun } from "../../api/types";
import { parentOf } from "../../graph/mapped";

const BROKEN = new Set(["Failed", "TimedOut"]);

/** The failure of one attempt; null if it did not fail, or left nothing to show. */
export function failureOf(attempt: Attempt): Failure | null {
  if (!BROKEN.has(attempt.state)) return null;
  const detail = attempt.detail ?? {};
  const sql = textOf(detail, "compiled_code") || textOf(detail, "sql") || attempt.sql;
  const error = textOf(detail, "error");
  return {
    message: error || attempt.message,
    traceback: textOf(detail, "traceback") || null,
    sql: sql || null,
    sql_line: sql ? lineOf(detail, sql) : null,
    file: textOf(detail, "path") || null,
    line: null,
  };
}

function lineOf(detail: Record<string, unknown>, sql: string): number | null {
  const [line, start] = [detail.error_line, detail.start_line];
  if (typeof line !== "number") return null;
  const own = line - (typeof start === "number" ? start : 1) + 1;
  return own >= 1 && own <= sql.split("\n").length ? own : null;
}

function textOf(detail: Record<string, unknown>, name: string): string {
  const value = detail[name];
  return typeof value === "string" ? value : "";
}

/** Fields that other parts of the page show already. */
const SHOWN = new Set([
  "error",
  "traceback",
  "compiled_code",
  "sql",
  "sql_hash",
  "error_line",
  "start_line",
  "path",
  "relation",
  "nodes",
  "statuses",
]);

/** The rest of a detail, for a list of facts; what is empty says nothing. */
export function restOf(detail: Record<string, unknown> | null): [string, unknown][] {
  return Object.entries(detail ?? {}).filter(
    ([name, value]) => !SHOWN.has(name) && !isEmpty(value),
  );
}

function isEmpty(value: unknown): boolean {
  if (value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** The elements of a mapped task that failed, in the order of the run. */
export function failedElements(tasks: readonly TaskRun[], key: string): TaskRun[] {
  return tasks.filter(
    (task) => BROKEN.has(task.state) && parentOf(task.key, (each) => each === key) !== null,
  );
}

/** What is said at the failing line: the database's own words, without the frame that dbt puts around. */
export function sayingOf(message: string): string {
  const lines = message
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  return (
    lines.find((line) => !/^(?:Database|Runtime|Compilation) Error in /.test(line)) ??
    lines[0] ??
    ""
  );
}

/** Where somebody edits what failed: `models/x.sql:12`. */
export function placeOf(failure: Failure): string | null {
  if (!failure.file) return null;
  return failure.line ? `${failure.file}:${failure.line}` : failure.file;
}

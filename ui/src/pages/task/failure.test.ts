import { expect, it } from "vitest";

import type { Attempt, TaskRun } from "../../api/types";
import { failedElements, failureOf, placeOf, restOf, sayingOf } from "./failure";

const attempt: Attempt = {
  number: 1,
  state: "Failed",
  message: "short",
  started: null,
  finished: null,
  worker: null,
  sql: null,
  detail: {
    error: "Binder Error\nLINE 2",
    sql: "select 1\nfrom nowhere",
    start_line: 11,
    error_line: 12,
    path: "sql/a.sql:12",
    statement: 2,
  },
};

it("finds the failing line of a statement inside its file", () => {
  expect(failureOf(attempt)).toEqual({
    message: "Binder Error\nLINE 2",
    traceback: null,
    sql: "select 1\nfrom nowhere",
    sql_line: 2,
    file: "sql/a.sql:12",
    line: null,
  });
  expect(
    failureOf({ ...attempt, detail: { ...attempt.detail, error_line: 99 } })?.sql_line,
  ).toBeNull();
});

it("knows attempts that did not fail, and those that left nothing", () => {
  expect(failureOf({ ...attempt, state: "Success" })).toBeNull();
  expect(failureOf({ ...attempt, detail: null })).toMatchObject({ message: "short", sql: null });
  expect(failureOf({ ...attempt, detail: null, sql: "select 1" })?.sql).toBe("select 1");
});

it("keeps what no other part shows", () => {
  expect(restOf(attempt.detail)).toEqual([["statement", 2]]);
  expect(restOf({ kept: [], codes: {}, rows: 0, missing: null, nodes: [{}] })).toEqual([
    ["rows", 0],
  ]);
  expect(
    placeOf({ message: "", traceback: null, sql: null, sql_line: null, file: "a.py", line: 3 }),
  ).toBe("a.py:3");
});

it("says the database's words at the failing line", () => {
  expect(
    sayingOf("Database Error in model x (models/x.sql)\n  Binder Error: no column a\n\n  LINE 2"),
  ).toBe("Binder Error: no column a");
  expect(sayingOf("Parser Error: x")).toBe("Parser Error: x");
  expect(sayingOf("Database Error in model x")).toBe("Database Error in model x");
  expect(sayingOf("")).toBe("");
});

it("finds the elements of a mapped task that failed", () => {
  const runs = [
    ["load", "Failed"],
    ["load[0]", "Success"],
    ["load[1]", "Failed"],
    ["load[2]", "TimedOut"],
    ["loaded[1]", "Failed"],
  ].map(([key, state]) => ({ key, state }) as TaskRun);
  expect(failedElements(runs, "load").map((task) => task.key)).toEqual(["load[1]", "load[2]"]);
});

import { expect, test } from "vitest";

import { nextOf } from "./next";

test("a page of ours is gone back to, with its search", () => {
  expect(nextOf("/runs?state=Failed")).toBe("/runs?state=Failed");
});

test.each([
  "",
  "https://elsewhere.example",
  "//elsewhere.example",
  "/\\elsewhere.example",
  "/\t/elsewhere.example",
  "javascript:alert(1)",
  "runs",
  "/login?next=/login",
])("%j leads home", (asked) => {
  expect(nextOf(asked)).toBe("/");
});

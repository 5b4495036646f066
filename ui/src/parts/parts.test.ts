import { expect, test } from "vitest";

import { datasetPath, flowPath, taskPath } from "../paths";
import { toneOf } from "./states";
import { many, one, parseSearch, searchText } from "./url";

test("words of an address stay text, and repeated ones are lists", () => {
  expect(parseSearch("?key=123&state=Failed&state=Running&on=true")).toEqual({
    key: "123",
    state: ["Failed", "Running"],
    on: "true",
  });
  expect(parseSearch("?__proto__=1&key=%3Cscript%3E")).toHaveProperty("key", "<script>");
});

test("an address is the reverse, without what is empty", () => {
  const search = { key: 'a"b&c', state: ["Failed", "Running"], flow: "", since: undefined };
  expect(searchText(search)).toBe("?key=a%22b%26c&state=Failed&state=Running");
  expect(parseSearch(searchText(search)).key).toBe('a"b&c');
  expect(searchText({})).toBe("");
});

test("one or many", () => {
  expect([one(undefined), one("a"), one(["a", "b"])]).toEqual(["", "a", "a"]);
  expect([many(undefined), many("a"), many(["a", "b"])]).toEqual([[], ["a"], ["a", "b"]]);
});

test("names of any kind are one part of an address", () => {
  expect(flowPath("a/b c")).toBe("/flows/a%2Fb%20c");
  expect(taskPath("1", "x?y=z#&")).toBe("/runs/1/task?key=x%3Fy%3Dz%23%26");
  expect(datasetPath('"db"."t"')).toBe("/dataset?name=%22db%22.%22t%22");
});

test("every state has a tone, and a warning is not a plain success", () => {
  expect(
    ["Success", "Cached", "TimedOut", "Paused", "Submitted", "Queued"].map((s) => toneOf(s)),
  ).toEqual(["success", "success", "failed", "retrying", "running", "pending"]);
  expect(toneOf("Success", "warn")).toBe("warned");
  expect(toneOf("Failed", "warn")).toBe("failed");
});

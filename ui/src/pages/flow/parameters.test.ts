import { describe, expect, it } from "vitest";

import type { Parameter } from "../../api/types";
import { blamed, draftOf, plainDraft, read, readAll, wordsOf } from "./parameters";

function parameter(type: Parameter["type"], more: Partial<Parameter> = {}): Parameter {
  return { name: "p", type, default: null, required: true, description: null, ...more };
}

describe("read", () => {
  it.each([
    ["str", " a ", " a "],
    ["int", "-12", -12],
    ["int", "9007199254740993", "9007199254740993"],
    ["float", "1e-3", 0.001],
    ["bool", "false", false],
    ["date", "2013-01-31", "2013-01-31"],
    ["datetime", "2013-01-31T06:00", "2013-01-31T06:00:00"],
    ["list", "[1, 2]", [1, 2]],
    ["json", '{"a": 1}', { a: 1 }],
    ["json", '"word"', '"word"'],
  ] as const)("takes a %s", (type, text, value) => {
    expect(read(parameter(type), plainDraft(text))).toEqual({ value });
  });

  it.each([
    ["int", "1.5"],
    ["float", "ten"],
    ["date", "31.01.2013"],
    ["datetime", "yesterday"],
    ["list", '{"a": 1}'],
    ["json", "{a: 1}"],
    ["str", ""],
  ] as const)("complains of a wrong %s", (type, text) => {
    expect(read(parameter(type), plainDraft(text))).toHaveProperty("problem");
  });

  it("sends instants of a zone in UTC", () => {
    const utc = read(parameter("datetime"), { text: "2013-01-31T06:00:05", zone: "utc" });
    expect(utc).toEqual({ value: "2013-01-31T06:00:05Z" });
  });

  it("leaves a default that nobody touched to the server", () => {
    const month = parameter("int", { default: 3, required: false });
    expect(read(month, draftOf(month))).toBe("left");
    expect(read(month, plainDraft(""))).toBe("left");
    expect(read(month, plainDraft("4"))).toEqual({ value: 4 });
    const word = parameter("str", { default: "x", required: false });
    expect(read(word, plainDraft(""))).toEqual({ value: "" });
  });

  it("gives the value of a choice, not its text", () => {
    const choice = parameter("int", { choices: [10, 20], required: true });
    expect(read(choice, plainDraft("1"))).toEqual({ value: 20 });
    expect(read(choice, plainDraft(""))).toEqual({ problem: "Choose one." });
    expect(draftOf({ ...choice, default: 20 })).toEqual(plainDraft("1"));
  });
});

describe("draftOf", () => {
  it("shows an instant with an offset in UTC", () => {
    expect(draftOf(parameter("datetime", { default: "2013-01-31T06:00:00+02:00" }))).toEqual({
      text: "2013-01-31T04:00:00",
      zone: "utc",
    });
  });

  it("shows long JSON on lines", () => {
    expect(draftOf(parameter("json", { default: { a: [1] } })).text).toBe('{"a":[1]}');
    const long = { text: "x".repeat(60) };
    expect(draftOf(parameter("json", { default: long })).text).toBe(JSON.stringify(long, null, 2));
    expect(draftOf(parameter("bool", { default: true })).text).toBe("true");
  });
});

describe("readAll", () => {
  it("sorts values from problems", () => {
    const parameters = [parameter("int", { name: "a" }), parameter("date", { name: "b" })];
    expect(readAll(parameters, { a: plainDraft("1"), b: plainDraft("x") })).toEqual({
      values: { a: 1 },
      problems: { b: "A day, such as 2013-01-31." },
    });
  });
});

it("finds the parameter that the server's error is about", () => {
  const parameters = [parameter("int", { name: "month" })];
  expect(blamed("parameter 'month' takes int, not 'x'", parameters)).toBe("month");
  expect(blamed("flow 'x' has no parameter 'day'", parameters)).toBeNull();
  expect(blamed("the queue is full", parameters)).toBeNull();
});

it("says defaults in words", () => {
  expect([null, "", [1], "a", false].map(wordsOf)).toEqual([
    "none",
    "empty text",
    "[1]",
    "a",
    "no",
  ]);
});

/** The values of a run's parameters as a form holds them, and what is sent of them. */

import type { Parameter } from "../../api/types";

/** What the fields of one parameter hold; `zone` is that of a datetime. */
export interface Draft {
  text: string;
  zone: Zone;
}

export type Zone = "none" | "utc" | "local";
export type Reading = { value: unknown } | { problem: string } | "left";

const SHORT = 60;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const OFFSET = /(?:Z|[+-]\d{2}:?\d{2})$/;

/** What a field shows at first: the default. */
export function draftOf(parameter: Parameter): Draft {
  const value = parameter.default;
  if (choicesOf(parameter)) return { text: indexOf(parameter, value), zone: "none" };
  if (value === null || value === undefined) return { text: "", zone: "none" };
  if (parameter.type === "datetime" && typeof value === "string") return momentOf(value);
  if (parameter.type === "list" || parameter.type === "json") return plainDraft(linesOf(value));
  return plainDraft(typeof value === "string" ? value : JSON.stringify(value));
}

/** JSON on one line if that is short, else on several. */
function linesOf(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= SHORT ? text : JSON.stringify(value, null, 2);
}

export function plainDraft(text: string): Draft {
  return { text, zone: "none" };
}

export function choicesOf(parameter: Parameter): unknown[] | null {
  return parameter.choices?.length ? parameter.choices : null;
}

function indexOf(parameter: Parameter, value: unknown): string {
  const wanted = JSON.stringify(value ?? null);
  const index = (choicesOf(parameter) ?? []).findIndex((each) => JSON.stringify(each) === wanted);
  return index < 0 ? "" : String(index);
}

/** An instant with an offset is shown in UTC, one without as it is. */
function momentOf(text: string): Draft {
  if (!OFFSET.test(text)) return { text: text.slice(0, 19), zone: "none" };
  const instant = new Date(text);
  if (Number.isNaN(instant.getTime())) return { text: "", zone: "utc" };
  return { text: instant.toISOString().slice(0, 19), zone: "utc" };
}

/** What a draft stands for: a value, a complaint, or nothing ("left" to the default). */
export function read(parameter: Parameter, draft: Draft): Reading {
  const choices = choicesOf(parameter);
  const text = parameter.type === "str" ? draft.text : draft.text.trim();
  if (text === "" && parameter.required)
    return { problem: choices ? "Choose one." : "This one is required." };
  const first = draftOf(parameter);
  if (text === first.text && draft.zone === first.zone && !parameter.required) return "left";
  if (choices) return text === "" ? "left" : { value: choices[Number(text)] };
  if (text === "" && parameter.type !== "str") return "left";
  return READERS[parameter.type](text, draft);
}

const READERS: Record<Parameter["type"], (text: string, draft: Draft) => Reading> = {
  str: (text) => ({ value: text }),
  int: readInt,
  float: (text) =>
    Number.isFinite(Number(text)) ? { value: Number(text) } : { problem: "A number, such as 0.5." },
  bool: (text) => ({ value: text === "true" }),
  date: (text) => (DATE.test(text) ? { value: text } : { problem: "A day, such as 2013-01-31." }),
  datetime: readMoment,
  list: (text) => readJson(text, true),
  json: (text) => readJson(text, false),
};

/** Whole numbers that JavaScript cannot hold travel as text; the server reads them. */
function readInt(text: string): Reading {
  if (!/^[+-]?\d+$/.test(text)) return { problem: "A whole number, such as 7." };
  const value = Number(text);
  return { value: Number.isSafeInteger(value) ? value : text };
}

function readMoment(text: string, draft: Draft): Reading {
  const full = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text) ? `${text}:00` : text;
  const wall = new Date(draft.zone === "utc" ? `${full}Z` : full);
  if (Number.isNaN(wall.getTime()))
    return { problem: "A day and a time, such as 2013-01-31 06:00." };
  if (draft.zone === "none") return { value: full };
  return { value: wall.toISOString().replace(/\.\d+Z$/, "Z") };
}

function readJson(text: string, list: boolean): Reading {
  try {
    const value: unknown = JSON.parse(text);
    if (list && !Array.isArray(value)) return { problem: "A list, such as [1, 2]." };
    // The server reads text as JSON, so a JSON text travels with its quotes.
    return { value: typeof value === "string" ? text : value };
  } catch (error) {
    return {
      problem: `This is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

export interface Readings {
  values: Record<string, unknown>;
  problems: Record<string, string>;
}

/** All drafts of a form: what is sent, and what is wrong with which. */
export function readAll(parameters: Parameter[], drafts: Record<string, Draft>): Readings {
  const found: Readings = { values: {}, problems: {} };
  for (const parameter of parameters) {
    const reading = read(parameter, drafts[parameter.name] ?? draftOf(parameter));
    if (reading === "left") continue;
    if ("problem" in reading) found.problems[parameter.name] = reading.problem;
    else found.values[parameter.name] = reading.value;
  }
  return found;
}

/** The parameter that an error of the server is about, if it names one. */
export function blamed(what: string, parameters: Parameter[]): string | null {
  const name = /parameters? (?:'([^']+)'|"([^"]+)")/.exec(what);
  const found = name?.[1] ?? name?.[2];
  return parameters.some((parameter) => parameter.name === found) ? (found ?? null) : null;
}

/** A default in words for people. */
export function wordsOf(value: unknown): string {
  if (value === null || value === undefined) return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" ? (value === "" ? "empty text" : value) : JSON.stringify(value);
}

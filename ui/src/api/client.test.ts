import { afterEach, expect, test, vi } from "vitest";

import { addressOf, ApiError, get, keyOf, send } from "./client";

const answers = (answer: () => Response | Promise<Response>) => {
  const asked = vi.fn<typeof fetch>(async () => answer());
  vi.stubGlobal("fetch", asked);
  vi.stubGlobal("window", { location: { origin: "http://here" } });
  return asked;
};

afterEach(() => vi.unstubAllGlobals());

test("lists repeat their name; nothing and empty words are left out", () => {
  const query = { state: ["Failed", "Running"], flow: "a&b", limit: 50, since: null, until: "" };
  expect(addressOf("/runs", query)).toBe(
    "/api/v1/runs?state=Failed&state=Running&flow=a%26b&limit=50",
  );
  expect(addressOf("/runs/1/task?key=a", { attempt: 0 })).toBe(
    "/api/v1/runs/1/task?key=a&attempt=0",
  );
  expect(addressOf("/home")).toBe("/api/v1/home");
});

test("an answer is its JSON, and nothing when there is none", async () => {
  answers(() => Response.json({ runs: [] }));
  expect(await get("/runs")).toEqual({ runs: [] });
  answers(() => new Response(null, { status: 204 }));
  expect(await send("POST", "/logout")).toBeUndefined();
});

test("a write is JSON, even without a body", async () => {
  const asked = answers(() => Response.json({}));
  await send("POST", "/runs/1/cancel");
  expect(asked.mock.calls[0]?.[1]).toMatchObject({
    method: "POST",
    body: "{}",
    headers: { "Content-Type": "application/json" },
  });
});

test("an error says what, where and what to do, in the server's words", async () => {
  const error = {
    kind: "NotFoundError",
    what: "no run 1",
    where: "runs",
    fix: "look",
    exit_code: 2,
  };
  answers(() => Response.json({ error }, { status: 404 }));
  const problem = await get("/runs/1").catch((found: unknown) => found);
  expect(problem).toBeInstanceOf(ApiError);
  expect(problem).toMatchObject({ status: 404, what: "no run 1", where: "runs", fix: "look" });
});

test("an error that is no JSON still says something", async () => {
  answers(() => new Response("<h1>Bad gateway</h1>", { status: 502, statusText: "Bad Gateway" }));
  await expect(get("/runs")).rejects.toMatchObject({
    status: 502,
    what: "The server answered 502 Bad Gateway.",
  });
});

test("a server that is not there is an error of its own, an abort is none", async () => {
  answers(() => Promise.reject(new TypeError("Failed to fetch")));
  await expect(get("/runs")).rejects.toMatchObject({ status: 0, where: "http://here" });
  answers(() => Promise.reject(new DOMException("gone", "AbortError")));
  await expect(get("/runs")).rejects.toMatchObject({ name: "AbortError" });
});

test("a path without a query has the same key however it is asked for", () => {
  expect(keyOf("/home")).toEqual(keyOf("/home", {}));
  expect(keyOf("/runs", { limit: 1 })).toEqual(["/runs", { limit: 1 }]);
});

// @vitest-environment jsdom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { useStream, type StreamHandlers } from "./stream";

class Source extends EventTarget {
  static made: Source[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;

  constructor(readonly address: string) {
    super();
    Source.made.push(this);
  }

  close(): void {
    this.closed = true;
  }

  tell(name: string, data: unknown, lastEventId = ""): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId }));
  }
}

let root: Root;
let place: HTMLElement;

function Follows({ path, handlers }: { path: string | null; handlers: StreamHandlers }) {
  const { state } = useStream(path, handlers);
  return state;
}

const follow = (path: string | null, handlers: StreamHandlers = {}): void =>
  act(() => root.render(<Follows path={path} handlers={handlers} />));

const latest = (): Source => {
  const found = Source.made.at(-1);
  if (!found) throw new Error("no stream was opened");
  return found;
};

const hide = (hidden: boolean): void => {
  Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
  act(() => void document.dispatchEvent(new Event("visibilitychange")));
};

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("EventSource", Source);
  vi.useFakeTimers();
  Source.made = [];
  place = document.createElement("div");
  root = createRoot(place);
});

afterEach(() => {
  act(() => root.unmount());
  hide(false);
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("events reach the handlers that hold now", () => {
  const first = vi.fn();
  const second = vi.fn();
  follow("/stream", { run: first });
  follow("/stream", { run: second });
  expect(Source.made).toHaveLength(1);
  act(() => latest().onopen?.());
  act(() => latest().tell("run", { run_id: "a" }, "7"));
  expect(first).not.toHaveBeenCalled();
  expect(second).toHaveBeenCalledWith({ run_id: "a" });
  expect(place.textContent).toBe("live");
});

test("a break is resumed after the last event", () => {
  const open = vi.fn();
  follow("/runs/1/stream", { open });
  act(() => latest().onopen?.());
  act(() => latest().tell("task", {}, "41.7"));
  act(() => latest().onerror?.());
  expect(place.textContent).toBe("reconnecting");
  expect(latest().closed).toBe(true);
  act(() => vi.advanceTimersByTime(1_000));
  expect(Source.made).toHaveLength(2);
  expect(latest().address).toBe("/api/v1/runs/1/stream?after=41.7");
  act(() => latest().onopen?.());
  expect(place.textContent).toBe("live");
  expect(open.mock.calls).toEqual([[false], [true]]);
});

test("who is not answered waits longer each time", () => {
  follow("/stream");
  act(() => latest().onerror?.());
  act(() => vi.advanceTimersByTime(1_000));
  act(() => latest().onerror?.());
  act(() => vi.advanceTimersByTime(1_000));
  expect(Source.made).toHaveLength(2);
  act(() => vi.advanceTimersByTime(1_000));
  expect(Source.made).toHaveLength(3);
});

test("a hidden tab lets go, and resumes when it is looked at", () => {
  follow("/stream");
  act(() => latest().onopen?.());
  act(() => latest().tell("run", {}, "9"));
  hide(true);
  expect(latest().closed).toBe(true);
  act(() => vi.advanceTimersByTime(60_000));
  expect(Source.made).toHaveLength(1);
  hide(false);
  expect(latest().address).toBe("/api/v1/stream?after=9");
});

test("an end is the end", () => {
  const end = vi.fn();
  follow("/stream", { end });
  act(() => latest().onopen?.());
  act(() => latest().tell("end", { state: "Success" }));
  expect(place.textContent).toBe("ended");
  expect(end).toHaveBeenCalledWith({ state: "Success" });
  hide(true);
  hide(false);
  act(() => vi.advanceTimersByTime(60_000));
  expect(Source.made).toHaveLength(1);
});

test("no path is no stream, and leaving closes it", () => {
  follow(null);
  expect(Source.made).toHaveLength(0);
  expect(place.textContent).toBe("ended");
  follow("/stream");
  follow(null);
  expect(latest().closed).toBe(true);
});

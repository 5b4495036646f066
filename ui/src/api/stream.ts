/** Server-sent events of the API: resumed where they broke off, silent while nobody looks. */

import { useEffect, useRef, useState } from "react";

import { addressOf } from "./client";
import { heard, unheard } from "./connection";
import type { LogLine, Run, TaskRun } from "./types";

export type StreamState = "live" | "reconnecting" | "ended";

export interface StreamHandlers {
  run?: (run: Run) => void;
  task?: (task: TaskRun) => void;
  log?: (log: { lines: LogLine[] }) => void;
  end?: (end: { state: string }) => void;
  /** The stream is open (again); `again` tells of a break. */
  open?: (again: boolean) => void;
}

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 15_000;

/**
 * Follow a stream below /api/v1; null follows none.
 *
 * A hidden tab lets go of its connection (browsers allow six to a server) and resumes after the
 * last event it saw.
 */
export function useStream(path: string | null, handlers: StreamHandlers): { state: StreamState } {
  const [state, setState] = useState<StreamState>("reconnecting");
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  });
  useEffect(() => {
    if (path === null) return;
    const follower = new Follower(path, () => latest.current, setState);
    return () => follower.stop();
  }, [path]);
  return { state: path === null ? "ended" : state };
}

class Follower {
  private source: EventSource | null = null;
  private last = "";
  private wait = FIRST_WAIT;
  private timer: number | undefined;
  private opened = false;
  private over = false;

  constructor(
    private readonly path: string,
    private readonly handlers: () => StreamHandlers,
    private readonly tell: (state: StreamState) => void,
  ) {
    document.addEventListener("visibilitychange", this.seen);
    this.open();
  }

  stop(): void {
    this.over = true;
    document.removeEventListener("visibilitychange", this.seen);
    this.close();
  }

  private readonly seen = (): void => {
    if (document.hidden) this.close();
    else if (!this.source) this.open();
  };

  private close(): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  private open(): void {
    this.close();
    if (this.over || document.hidden) return;
    const source = new EventSource(addressOf(this.path, this.last ? { after: this.last } : {}));
    this.source = source;
    source.onopen = () => {
      this.wait = FIRST_WAIT;
      heard();
      this.tell("live");
      this.handlers().open?.(this.opened);
      this.opened = true;
    };
    source.onerror = () => this.broken(source);
    this.listen(source, "run", (data) => this.handlers().run?.(data as Run));
    this.listen(source, "task", (data) => this.handlers().task?.(data as TaskRun));
    this.listen(source, "log", (data) => this.handlers().log?.(data as { lines: LogLine[] }));
    this.listen(source, "end", (data) => {
      this.stop();
      this.tell("ended");
      this.handlers().end?.(data as { state: string });
    });
  }

  private listen(source: EventSource, name: string, act: (data: unknown) => void): void {
    source.addEventListener(name, (event: MessageEvent<string>) => {
      if (event.lastEventId) this.last = event.lastEventId;
      act(JSON.parse(event.data));
    });
  }

  /** The browser gives up at an answer that is no stream, so we come back ourselves. */
  private broken(source: EventSource): void {
    if (this.source !== source) return;
    this.tell("reconnecting");
    if (this.opened) unheard();
    this.close();
    this.timer = window.setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }
}

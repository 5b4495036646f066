/** Where a log view takes its lines from: what it has, what it still needs, and who asks for it. */

import type { LogLine } from "../api/types";

export interface LogPage {
  lines: LogLine[];
  /** The highest number of the whole run. */
  total: number;
}

export interface LogQuery {
  after?: number;
  before?: number;
  tail?: number;
  limit: number;
}

export type LoadLog = (query: LogQuery) => Promise<LogPage>;

export interface LogSource {
  /** Rows of the list. */
  readonly count: number;
  /** Grows with each change; rows that came in before the first one are in ``shifted``. */
  readonly version: number;
  readonly shifted: number;
  readonly problem: Error | null;
  /** Whether the last row is the last line there is. */
  readonly atEnd: boolean;
  /** The line of a row; undefined while it is on its way, null if there is none. */
  at(row: number): LogLine | null | undefined;
  /** These rows are looked at. */
  want(first: number, last: number): void;
  /** Make the line (or the next that is there) a row, and give its row. */
  find(seq: number): Promise<number>;
  /** Make the last line a row. */
  toEnd(): Promise<void>;
  /** The log has ended: ask once more for what the stream did not bring. */
  renew(): void;
  /** Lines that came by the stream. */
  append(lines: LogLine[]): void;
  subscribe(tell: () => void): () => void;
}

/** What both sources share: who is told, and what went wrong. */
export abstract class Telling {
  version = 0;
  shifted = 0;
  problem: Error | null = null;
  private listeners = new Set<() => void>();

  subscribe = (tell: () => void): (() => void) => {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  };

  protected tell(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }

  protected failed(error: unknown): void {
    this.problem = error instanceof Error ? error : new Error(String(error));
    this.tell();
  }
}

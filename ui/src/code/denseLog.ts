/** The log of a whole run: line n is row n - 1, so that any place is reached without what lies before. */

import type { LogLine } from "../api/types";
import { type LoadLog, type LogSource, Telling } from "./logSource";

const PAGE = 500;
const KEPT = 40;
const AT_ONCE = 2;

export class DenseLog extends Telling implements LogSource {
  count = 0;
  readonly atEnd = true;
  private pages = new Map<number, (LogLine | null)[]>();
  private wanted: number[] = [];
  private underway = new Set<number>();

  constructor(private readonly load: LoadLog) {
    super();
  }

  at(row: number): LogLine | null | undefined {
    return this.pages.get(Math.floor(row / PAGE))?.[row % PAGE];
  }

  want(first: number, last: number): void {
    const from = Math.floor(Math.max(first, 0) / PAGE);
    const to = Math.floor(Math.max(Math.min(last, this.count - 1), 0) / PAGE);
    this.wanted = Array.from({ length: to - from + 1 }, (_, index) => from + index);
    this.next();
  }

  async find(seq: number): Promise<number> {
    if (!this.count) await this.fetchPage(0);
    return Math.min(Math.max(seq, 1), Math.max(this.count, 1)) - 1;
  }

  async toEnd(): Promise<void> {
    if (!this.count) await this.fetchPage(0);
  }

  renew(): void {
    void this.fetchPage(Math.floor(this.count / PAGE));
  }

  append(lines: LogLine[]): void {
    for (const line of lines) {
      const row = line.seq - 1;
      const number = Math.floor(row / PAGE);
      let page = this.pages.get(number);
      if (!page && row % PAGE === 0) this.pages.set(number, (page = []));
      if (page) page[row % PAGE] = line;
      this.count = Math.max(this.count, line.seq);
    }
    if (lines.length) this.tell();
  }

  private isWhole(number: number): boolean {
    const page = this.pages.get(number);
    const rows = Math.min(PAGE, this.count - number * PAGE);
    if (!page) return false;
    for (let row = 0; row < rows; row++) if (page[row] === undefined) return false;
    return true;
  }

  private next(): void {
    for (const number of this.wanted) {
      if (this.underway.size >= AT_ONCE) return;
      if (!this.underway.has(number) && !this.isWhole(number)) void this.fetchPage(number);
    }
  }

  private async fetchPage(number: number): Promise<void> {
    this.underway.add(number);
    try {
      const found = await this.load({ after: number * PAGE, limit: PAGE });
      this.take(number, found.lines, found.total);
      this.underway.delete(number);
      this.next();
    } catch (error) {
      this.underway.delete(number);
      this.failed(error);
    }
  }

  private take(number: number, lines: LogLine[], total: number): void {
    this.problem = null;
    this.count = Math.max(this.count, total);
    const page = this.pages.get(number) ?? [];
    for (const line of lines) {
      if (Math.floor((line.seq - 1) / PAGE) === number) page[(line.seq - 1) % PAGE] = line;
    }
    // What the answer left out is not there; it is not asked for again.
    const rows = Math.min(PAGE, total - number * PAGE);
    for (let row = 0; row < rows; row++) page[row] ??= null;
    this.pages.delete(number);
    this.pages.set(number, page);
    this.forget();
    this.tell();
  }

  /** The pages looked at longest ago go first. */
  private forget(): void {
    for (const number of this.pages.keys()) {
      if (this.pages.size <= KEPT) return;
      if (!this.wanted.includes(number)) this.pages.delete(number);
    }
  }
}

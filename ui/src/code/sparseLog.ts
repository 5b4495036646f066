/** The lines of a log that pass a filter: a window onto them that grows where it is looked at. */

import type { LogLine } from "../api/types";
import { type LoadLog, type LogQuery, type LogSource, Telling } from "./logSource";

const STEP = 1000;
const KEPT = 20_000;
const NEAR = 200;

export class SparseLog extends Telling implements LogSource {
  atEnd = false;
  private atStart = false;
  private lines: LogLine[] = [];
  private busy = false;
  private opened = 0;
  private late: LogLine[] = [];

  constructor(
    private readonly load: LoadLog,
    private readonly passes: (line: LogLine) => boolean,
  ) {
    super();
  }

  get count(): number {
    return this.lines.length;
  }

  at(row: number): LogLine | undefined {
    return this.lines[row];
  }

  want(first: number, last: number): void {
    if (this.busy || !this.lines.length) return;
    if (last >= this.lines.length - NEAR && !this.atEnd) void this.after();
    else if (first < NEAR && !this.atStart) void this.before();
  }

  async find(seq: number): Promise<number> {
    const [first, last] = [this.lines[0], this.lines.at(-1)];
    const inside = first && last && first.seq <= seq && seq <= last.seq;
    if (!inside) await this.openAt(seq);
    const row = this.lines.findIndex((line) => line.seq >= seq);
    return row < 0 ? Math.max(this.lines.length - 1, 0) : row;
  }

  async toEnd(): Promise<void> {
    if (this.atEnd) return;
    await this.fresh(async () => {
      const lines = await this.ask({ tail: STEP, limit: STEP });
      return [lines, lines.length < STEP, true];
    });
  }

  renew(): void {
    this.atEnd = false;
    if (this.lines.length) this.tell();
    else void this.openAt(1);
  }

  append(lines: LogLine[]): void {
    // Whether an answer that is under way holds them is not known before it is here.
    if (this.busy) this.late.push(...lines);
    if (this.busy || !this.atEnd) return;
    const known = this.lines.at(-1)?.seq ?? 0;
    const more = lines.filter((line) => line.seq > known && this.passes(line));
    if (!more.length) return;
    this.lines = [...this.lines, ...more];
    this.trim("first");
    this.tell();
  }

  private openAt(seq: number): Promise<void> {
    return this.fresh(async () => {
      const above = seq > 1 ? await this.ask({ before: seq, limit: STEP }) : [];
      const below = await this.ask({ after: seq - 1, limit: STEP });
      return [[...above, ...below], above.length < (seq > 1 ? STEP : 1), below.length < STEP];
    });
  }

  /** Replace the window, unless another is opened meanwhile. */
  private async fresh(read: () => Promise<[LogLine[], boolean, boolean]>): Promise<void> {
    const opened = ++this.opened;
    this.busy = true;
    try {
      const [lines, atStart, atEnd] = await read();
      if (opened !== this.opened) return;
      [this.lines, this.atStart, this.atEnd, this.problem] = [lines, atStart, atEnd, null];
      this.settle();
    } catch (error) {
      this.busy = false;
      this.failed(error);
    }
  }

  private after(): Promise<void> {
    return this.extend({ after: this.lines.at(-1)?.seq ?? 0, limit: STEP }, (found) => {
      const known = this.lines.at(-1)?.seq ?? 0;
      this.lines = [...this.lines, ...found.filter((line) => line.seq > known)];
      this.atEnd = found.length < STEP;
      this.trim("first");
    });
  }

  private before(): Promise<void> {
    return this.extend({ before: this.lines[0]?.seq ?? 1, limit: STEP }, (found) => {
      this.lines = [...found, ...this.lines];
      this.shifted += found.length;
      this.atStart = found.length < STEP;
      this.trim("last");
    });
  }

  private async extend(query: LogQuery, take: (found: LogLine[]) => void): Promise<void> {
    const opened = this.opened;
    this.busy = true;
    try {
      const found = await this.ask(query);
      if (opened !== this.opened) return;
      this.problem = null;
      take(found);
      this.settle();
    } catch (error) {
      this.busy = false;
      this.failed(error);
    }
  }

  private settle(): void {
    this.busy = false;
    this.append(this.late.splice(0));
    this.tell();
  }

  private async ask(query: LogQuery): Promise<LogLine[]> {
    return (await this.load(query)).lines;
  }

  private trim(side: "first" | "last"): void {
    const excess = this.lines.length - KEPT;
    if (excess <= 0) return;
    if (side === "last") {
      this.lines = this.lines.slice(0, KEPT);
      this.atEnd = false;
    } else {
      this.lines = this.lines.slice(excess);
      this.shifted -= excess;
      this.atStart = false;
    }
  }
}

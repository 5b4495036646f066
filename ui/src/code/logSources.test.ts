import { describe, expect, it } from "vitest";

import type { LogLine } from "../api/types";
import { DenseLog } from "./denseLog";
import type { LogPage, LogQuery } from "./logSource";
import { SparseLog } from "./sparseLog";

function line(seq: number): LogLine {
  return {
    seq,
    at: "2026-11-01T05:30:00Z",
    key: seq % 3 ? "a" : "b",
    attempt: 1,
    level: "INFO",
    text: `line ${seq}`,
  };
}

/** A server with so many lines, of which it gives those that pass. */
function server(total: number, passes: (line: LogLine) => boolean = () => true) {
  const asked: LogQuery[] = [];
  const load = (query: LogQuery): Promise<LogPage> => {
    asked.push(query);
    const found: LogLine[] = [];
    if (query.before !== undefined || query.tail !== undefined) {
      for (
        let seq = (query.before ?? total + 1) - 1;
        seq > 0 && found.length < query.limit;
        seq--
      ) {
        if (passes(line(seq))) found.unshift(line(seq));
      }
    } else {
      for (let seq = (query.after ?? 0) + 1; seq <= total && found.length < query.limit; seq++) {
        if (passes(line(seq))) found.push(line(seq));
      }
    }
    return Promise.resolve({ lines: found, total });
  };
  return { asked, load };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("DenseLog", () => {
  it("reaches line 777,777 of a million with two requests", async () => {
    const { asked, load } = server(1_000_000);
    const log = new DenseLog(load);
    const row = await log.find(777_777);
    log.want(row - 20, row + 20);
    await settled();
    expect(log.count).toBe(1_000_000);
    expect(log.at(row)?.text).toBe("line 777777");
    expect(log.at(row - 100_000)).toBeUndefined();
    expect(asked).toHaveLength(2);
  });

  it("forgets what was looked at long ago, and asks again when it is looked at", async () => {
    const { asked, load } = server(1_000_000);
    const log = new DenseLog(load);
    await log.find(1);
    for (let page = 0; page < 60; page++) {
      log.want(page * 500, page * 500 + 40);
      await settled();
    }
    expect(log.at(0)).toBeUndefined();
    log.want(0, 40);
    await settled();
    expect(log.at(0)?.seq).toBe(1);
    expect(asked.length).toBeLessThan(64);
  });

  it("takes lines of the stream, and fetches a hole between", async () => {
    const { asked, load } = server(700);
    const log = new DenseLog(load);
    await log.find(1);
    log.append([line(699), line(700)]);
    log.want(690, 699);
    await settled();
    expect(log.at(690)?.seq).toBe(691);
    log.append([line(701)]);
    log.want(690, 700);
    await settled();
    expect(log.at(700)?.seq).toBe(701);
    expect(asked).toHaveLength(2);
  });

  it("does not ask again for lines that are not there", async () => {
    const { asked, load } = server(100, (each) => each.seq !== 50);
    const log = new DenseLog(load);
    await log.find(1);
    for (let look = 0; look < 3; look++) {
      log.want(0, 99);
      await settled();
    }
    expect(log.at(49)).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it("tells of a failure, and goes on when asked again", async () => {
    let down = true;
    const log = new DenseLog((query) =>
      down ? Promise.reject(new Error("gone")) : server(10).load(query),
    );
    await log.find(1);
    expect(log.problem?.message).toBe("gone");
    down = false;
    log.want(0, 10);
    await settled();
    expect(log.problem).toBeNull();
    expect(log.at(0)?.seq).toBe(1);
  });
});

describe("what came after the stream", () => {
  it("is asked for by line number", async () => {
    const { load } = server(520);
    const log = new DenseLog(load);
    log.append(Array.from({ length: 510 }, (_, index) => line(index + 1)));
    log.renew();
    await settled();
    expect([log.count, log.at(519)?.seq]).toEqual([520, 520]);
  });

  it("is asked for at the end of what passes", async () => {
    let total = 30;
    const log = new SparseLog(
      (query) => server(total).load(query),
      () => true,
    );
    await log.find(1);
    total = 40;
    log.renew();
    log.want(0, 29);
    await settled();
    expect([log.count, log.atEnd]).toEqual([40, true]);
  });

  it("is asked for where nothing had come", async () => {
    let total = 0;
    const log = new SparseLog(
      (query) => server(total).load(query),
      () => true,
    );
    await log.find(1);
    total = 3;
    log.renew();
    await settled();
    expect(log.count).toBe(3);
  });
});

it("SparseLog keeps what the stream brings while an answer is under way, each line once", async () => {
  const { load } = server(5);
  const log = new SparseLog(load, () => true);
  const opened = log.toEnd();
  log.append([line(5), line(6), line(7)]);
  await opened;
  expect(Array.from({ length: log.count }, (_, row) => log.at(row)?.seq)).toEqual([
    1, 2, 3, 4, 5, 6, 7,
  ]);
});

describe("SparseLog", () => {
  const ofB = (each: LogLine) => each.key === "b";

  it("opens at a line and grows both ways", async () => {
    const { load } = server(30_000, ofB);
    const log = new SparseLog(load, ofB);
    const row = await log.find(15_000);
    expect([log.at(row)?.seq, row, log.count]).toEqual([15_000, 1000, 2000]);
    log.want(0, 20);
    await settled();
    expect([log.count, log.shifted]).toEqual([3000, 1000]);
    expect(log.at(row + log.shifted)?.seq).toBe(15_000);
    log.want(2900, 2999);
    await settled();
    expect([log.count, log.atEnd]).toEqual([4000, false]);
  });

  it("shows a short log whole, and takes only lines that pass from the stream", async () => {
    const { asked, load } = server(30, ofB);
    const log = new SparseLog(load, ofB);
    await log.find(1);
    expect([log.count, log.atEnd]).toEqual([10, true]);
    log.append([line(30), line(31), line(33)]);
    expect([log.count, log.at(10)?.seq]).toEqual([11, 33]);
    log.want(0, 10);
    await settled();
    expect(asked).toHaveLength(1);
  });

  it("jumps to the end, and holds no more than its bound on the way back", async () => {
    const { load } = server(120_000, ofB);
    const log = new SparseLog(load, ofB);
    await log.find(1);
    await log.toEnd();
    expect([log.count, log.atEnd, log.at(999)?.seq]).toEqual([1000, true, 120_000]);
    for (let step = 0; step < 25; step++) {
      log.want(0, 10);
      await settled();
    }
    expect(log.count).toBe(20_000);
    expect(log.atEnd).toBe(false);
  });
});

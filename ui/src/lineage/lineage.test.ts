import { describe, expect, it } from "vitest";

import { ASKED, furtherOf, narrowed, requests } from "./asking";
import type { Answer } from "./model";
import {
  columnText,
  endOf,
  isEdgeOfSight,
  linksAt,
  merged,
  pathOf,
  placeText,
  portOf,
  wordsOf,
} from "./model";
import { parted } from "./names";
import { heightIn, heightOf, placed, HEAD, ROW, WIDE } from "./place";
import { allRows, FEW, MOST, rowsOf } from "./rows";
import { stepped } from "./steps";

const at = (dataset: string, column: string | null) => ({ dataset, column });
const port = (dataset: string, column: string | null) => portOf(at(dataset, column));
const evidence = { source: "sql", text: "selects id", file: "a.sql", line: 3, node: null };
const edge = (from: [string, string | null], to: [string, string | null], kind = "value") => ({
  from: at(...from),
  to: at(...to),
  task: "t",
  evidence: [evidence],
  kind,
});
const dataset = (name: string, ...columns: string[]) => ({
  name,
  layer: null,
  kind: "table",
  columns,
});

const CHAIN: Answer = {
  datasets: [
    dataset("raw", "id", "day"),
    dataset("staged", "id", "day"),
    dataset("mart", "id", "count"),
  ],
  edges: [
    edge(["raw", "id"], ["staged", "id"]),
    edge(["raw", "day"], ["staged", "day"]),
    edge(["staged", "id"], ["mart", "id"]),
    edge(["staged", "day"], ["mart", "count"]),
    edge(["raw", "id"], ["mart", "count"]),
  ],
  unknown: [{ dataset: "raw", why: "written by a shell task" }],
};

describe("merging", () => {
  it("has each dataset, column and link once", () => {
    const further = {
      datasets: [dataset("raw", "day", "hour")],
      edges: CHAIN.edges.slice(0, 1),
      unknown: [],
    };
    const drawn = merged([CHAIN, further]);
    expect(drawn.boxes.map((box) => box.name)).toEqual(["raw", "staged", "mart"]);
    expect(drawn.boxes[0]?.columns).toEqual(["id", "day", "hour"]);
    expect(drawn.links).toHaveLength(5);
    expect(drawn.links[0]?.evidence).toEqual([evidence]);
    expect(drawn.unknown.get("raw")).toBe("written by a shell task");
  });

  it("makes a box and a row of what only a link names", () => {
    const drawn = merged([{ datasets: [], edges: [edge(["a", "x"], ["b", null])], unknown: [] }]);
    expect(drawn.boxes).toEqual([
      { name: "a", layer: null, kind: null, columns: ["x"], others: [] },
      { name: "b", layer: null, kind: null, columns: [], others: [] },
    ]);
  });

  it("keeps the dataset's own order, and knows its columns without links", () => {
    const drawn = merged([CHAIN], new Map([["raw", ["day", "hour", "id"]]]));
    expect(drawn.boxes[0]).toMatchObject({ columns: ["day", "id"], others: ["hour"] });
  });

  it("draws a link between datasets only where their columns have none", () => {
    const coarse = {
      datasets: [],
      edges: [edge(["raw", null], ["staged", null]), edge(["x", null], ["raw", null])],
      unknown: [],
    };
    const { links } = merged([coarse, CHAIN]);
    expect(
      links.filter((link) => link.from.column === null).map((link) => link.from.dataset),
    ).toEqual(["x"]);
  });

  it("keeps the notes, and says whether there is more", () => {
    const noted = {
      ...CHAIN,
      edges: [{ ...CHAIN.edges[0]!, notes: ["by a macro"] }],
      truncated: true,
    };
    const drawn = merged([CHAIN, noted]);
    expect(drawn.links[0]?.notes).toEqual(["by a macro"]);
    expect(drawn.more).toBe(true);
  });

  it("keeps names with quotes and brackets apart", () => {
    expect(endOf(port('a","b', "]"))).toEqual(at('a","b', "]"));
  });
});

describe("following", () => {
  const { links } = merged([CHAIN]);

  it("lights what a column comes from and what it feeds, and nothing else", () => {
    const path = pathOf(links, port("staged", "day"));
    expect([...path.ports].sort()).toEqual(
      [port("mart", "count"), port("raw", "day"), port("staged", "day")].sort(),
    );
    expect(path.links.size).toBe(2);
  });

  it("does not turn round on the way: what else a source feeds stays dark", () => {
    const path = pathOf(links, port("mart", "id"));
    expect(path.ports.has(port("mart", "count"))).toBe(false);
    expect(path.ports.has(port("raw", "id"))).toBe(true);
  });

  it("follows all columns of a dataset from its heading", () => {
    expect(pathOf(links, port("staged", null)).links.size).toBe(4);
  });

  it("lights what may use any column, but not what only counts rows", () => {
    const loose = merged([
      {
        datasets: [],
        edges: [
          edge(["a", "x"], ["b", "x"]),
          edge(["b", null], ["page", null], "unknown"),
          edge(["b", null], ["c", "count"], "rows"),
        ],
        unknown: [],
      },
    ]);
    const path = pathOf(loose.links, port("a", "x"));
    expect(path.ports.has(port("page", null))).toBe(true);
    expect(path.ports.has(port("c", "count"))).toBe(false);
  });

  it("ends in a circle", () => {
    const round = merged([
      {
        datasets: [],
        edges: [edge(["a", "x"], ["b", "x"]), edge(["b", "x"], ["a", "x"])],
        unknown: [],
      },
    ]);
    expect(pathOf(round.links, port("a", "x")).ports.size).toBe(2);
  });

  it("finds the links at a column and at a dataset", () => {
    expect(linksAt(links, at("mart", "count")).up).toHaveLength(2);
    expect(linksAt(links, at("raw", null)).down).toHaveLength(3);
  });

  it("knows where sight ends", () => {
    const drawn = merged([CHAIN]);
    expect(isEdgeOfSight(drawn, "raw", "up")).toBe(true);
    expect(isEdgeOfSight(drawn, "raw", "down")).toBe(false);
    expect(isEdgeOfSight(drawn, "mart", "down")).toBe(true);
  });
});

describe("rows", () => {
  const wide = {
    name: "wide",
    layer: null,
    kind: null,
    columns: Array.from({ length: 40 }, (_, i) => `c${i}`),
    others: [],
  };

  it("folds all but the first of many columns", () => {
    const rows = rowsOf(wide, new Set(), false);
    expect(rows.shown).toHaveLength(MOST);
    expect(rows.folded).toHaveLength(30);
  });

  it("never folds what is followed, and keeps the dataset's order", () => {
    const rows = rowsOf(wide, new Set([port("wide", "c37")]), false);
    expect(rows.shown.at(-1)).toBe(port("wide", "c37"));
    expect(rows.shown).toHaveLength(MOST);
  });

  it("folds what has no link, unless nothing has one", () => {
    const some = { ...wide, columns: ["a"], others: ["b", "c"] };
    expect(rowsOf(some, new Set(), false)).toEqual({
      shown: [port("wide", "a")],
      folded: [port("wide", "b"), port("wide", "c")],
    });
    const none = { ...wide, columns: [], others: ["b", "c"] };
    expect(rowsOf(none, new Set(), false).folded).toEqual([]);
  });

  it("shows fewer columns of each where there are many datasets", () => {
    const one = { datasets: [dataset("d", ...wide.columns)], edges: [], unknown: [] };
    const many = Array.from({ length: 9 }, (_, i) => dataset(`d${i}`, ...wide.columns));
    const rows = (answer: Answer) =>
      allRows(merged([answer]), new Set(), new Set())
        .values()
        .next().value;
    expect(rows(one)?.shown).toHaveLength(MOST);
    expect(rows({ ...one, datasets: many })?.shown).toHaveLength(FEW);
  });

  it("does not fold a single column, and nothing that was opened", () => {
    const eleven = { ...wide, columns: wide.columns.slice(0, MOST + 1) };
    expect(rowsOf(eleven, new Set(), false).folded).toEqual([]);
    expect(rowsOf(wide, new Set(), true).shown).toHaveLength(40);
  });
});

describe("places", () => {
  const drawn = merged([CHAIN]);
  const rows = allRows(drawn, new Set(), new Set());
  const picture = placed(drawn, rows);
  const box = (name: string) => picture.boxes.find((each) => each.name === name)!;

  it("puts what is fed to the right of what feeds it", () => {
    expect(box("raw").left + WIDE).toBeLessThan(box("staged").left);
    expect(box("staged").left + WIDE).toBeLessThan(box("mart").left);
  });

  it("begins a link at the row of its column", () => {
    const first = picture.curves.find(
      ({ links: [link] }) => link?.from.dataset === "raw" && link.from.column === "day",
    )!;
    const [x, y] = first.d.slice(1).split("C")[0]!.split(" ").map(Number);
    expect(x).toBe(box("raw").left + WIDE);
    expect(y).toBeCloseTo(box("raw").top + HEAD + ROW * 1.5, 0);
  });

  it("points at the last row for a folded column, at the heading for a dataset", () => {
    const shown = { shown: ["a", "b"], folded: ["c"] };
    expect(heightIn(shown, "c", "c")).toBe(HEAD + ROW * 2.5);
    expect(heightIn(shown, "x", null)).toBe(HEAD / 2);
    expect(heightOf(shown)).toBeGreaterThan(HEAD + ROW * 3);
  });

  it("draws every link, also in a circle and to itself", () => {
    const round = merged([
      {
        datasets: [],
        edges: [
          edge(["a", "x"], ["b", "x"]),
          edge(["b", "x"], ["a", "x"]),
          edge(["a", "x"], ["a", "y"]),
        ],
        unknown: [],
      },
    ]);
    const found = placed(round, allRows(round, new Set(), new Set()));
    expect(found.curves).toHaveLength(3);
    expect(found.curves.every(({ d }) => !d.includes("NaN"))).toBe(true);
  });

  it("draws nothing of nothing", () => {
    const none = merged([]);
    expect(placed(none, new Map())).toEqual({ boxes: [], curves: [], wide: 0, high: 0 });
  });

  it("lays out 60 datasets of 40 columns, none on another", () => {
    const datasets = Array.from({ length: 60 }, (_, i) =>
      dataset(`d${i}`, ...Array.from({ length: 40 }, (_, c) => `c${c}`)),
    );
    const edges = datasets.flatMap(({ name, columns }, i) =>
      i === 0
        ? []
        : columns.map((column) => edge([`d${Math.floor((i - 1) / 2)}`, column], [name, column])),
    );
    const many = merged([{ datasets, edges, unknown: [] }]);
    const found = placed(many, allRows(many, new Set(), new Set()));
    // Six columns of each pair, and one line for the 34 that are folded.
    expect(found.curves).toHaveLength(59 * (FEW + 1));
    expect(found.curves.flatMap(({ links }) => links)).toHaveLength(59 * 40);
    for (const a of found.boxes) {
      for (const b of found.boxes) {
        if (a === b) continue;
        const apart =
          Math.abs(a.left - b.left) >= WIDE || a.top + a.high <= b.top || b.top + b.high <= a.top;
        expect(apart).toBe(true);
      }
    }
  });
});

describe("keys", () => {
  const drawn = merged([CHAIN]);
  const rows = allRows(drawn, new Set(), new Set());
  const go = (from: string, key: string) => stepped(drawn, rows, from, key);

  it("moves up and down in a box", () => {
    expect(go(port("raw", null), "ArrowDown")).toBe(port("raw", "id"));
    expect(go(port("raw", "id"), "ArrowUp")).toBe(port("raw", null));
    expect(go(port("raw", null), "ArrowUp")).toBeNull();
    expect(go(port("raw", null), "End")).toBe(port("raw", "day"));
  });

  it("follows links to the left and to the right", () => {
    expect(go(port("raw", "day"), "ArrowRight")).toBe(port("staged", "day"));
    expect(go(port("mart", "count"), "ArrowLeft")).toBe(port("staged", "day"));
    expect(go(port("mart", "count"), "ArrowRight")).toBeNull();
  });
});

describe("asking", () => {
  const question = {
    dataset: "raw",
    column: null,
    columns: ["id", "day"],
    way: "both" as const,
    depth: 2,
    further: [],
  };

  it("asks for each column of a dataset, and for one that is followed alone", () => {
    expect(requests(question).map((query) => query.column)).toEqual([null, "id", "day"]);
    expect(requests({ ...question, column: "id" }).map((query) => query.column)).toEqual(["id"]);
    const many = Array.from({ length: 200 }, (_, i) => `c${i}`);
    expect(requests({ ...question, columns: many })).toHaveLength(ASKED + 1);
  });

  it("asks for further steps where the reader went on, and ignores what is no step", () => {
    const further = [furtherOf("up", "odd:name"), "sideways:raw", "nothing"];
    expect(requests({ ...question, column: "id", further }).slice(1)).toEqual([
      { dataset: "odd:name", direction: "up", depth: 1 },
    ]);
  });

  it("cuts further answers to what belongs to the column", () => {
    const first = { datasets: [], edges: [edge(["staged", "id"], ["mart", "id"])], unknown: [] };
    const more = {
      datasets: [dataset("raw", "id", "day")],
      edges: CHAIN.edges.slice(0, 2),
      unknown: [],
    };
    const [cut] = narrowed(first, [more], "id");
    expect(cut?.edges.map((each) => each.from.column)).toEqual(["id"]);
    expect(cut?.datasets).toMatchObject([{ name: "raw", columns: ["id"] }]);
    expect(narrowed(first, [more], null)).toEqual([more]);
  });
});

describe("words", () => {
  it("says how a column depends on another, also for kinds it does not know", () => {
    expect(wordsOf("unknown").vague).toBe(true);
    expect(wordsOf("odd").long).toBe("odd");
    expect(columnText("*")).toBe("any column");
    expect(placeText(evidence)).toBe("a.sql:3");
    expect(placeText({ ...evidence, file: null, node: "model.x" })).toBe("model.x");
  });

  it("parts names and paths", () => {
    expect(parted("db.raw.flights")).toEqual({ last: "flights", before: "db.raw." });
    expect(parted("reports/daily.html")).toEqual({ last: "daily.html", before: "reports/" });
    expect(parted("alone")).toEqual({ last: "alone", before: "" });
    expect(parted("odd.")).toEqual({ last: "odd.", before: "" });
  });
});

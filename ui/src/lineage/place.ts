/** Where boxes, rows and links stand: datasets in columns from left to right, links past what is between. */

import { withoutCycles, type Pair } from "../graph/cycles";
import { columnsOf, layered, type Sized } from "../graph/layered";
import type { Drawn, Link } from "./model";
import { portOf } from "./model";
import type { Rows } from "./rows";

export const WIDE = 208;
export const HEAD = 50;
export const ROW = 26;
const FOOT = 6;
const GAPS = { column: 68, row: 24 };
/** Between the links that pass a box side by side. */
const LANE = 5;

export interface Placed {
  name: string;
  left: number;
  top: number;
  high: number;
}

/** One line of the drawing: a link, or all those between two folded rows. */
export interface Curve {
  id: string;
  links: Link[];
  d: string;
}

export interface Picture {
  boxes: Placed[];
  curves: Curve[];
  wide: number;
  high: number;
}

export const heightOf = (rows: Rows): number =>
  HEAD +
  ROW * (rows.shown.length + (rows.folded.length > 0 ? 1 : 0)) +
  (rows.shown.length > 0 ? FOOT : 0);

const keyOf = (from: string, to: string): string => JSON.stringify([from, to]);

/** Lay a drawing out. */
export function placed(drawn: Drawn, rows: ReadonlyMap<string, Rows>): Picture {
  const names = drawn.boxes.map((box) => box.name);
  const between = bundles(drawn.links);
  const forward = withoutCycles(
    names,
    [...between.values()].map(({ pair }) => pair),
  );
  const column = columnsOf(names, forward);
  const sized: Sized[] = names.map((name) => ({
    key: name,
    width: WIDE,
    height: heightOf(rows.get(name) ?? { shown: [], folded: [] }),
  }));
  const edges: Pair[] = [];
  const passes = new Map<string, string[]>();
  for (const [from, to] of forward) {
    const key = keyOf(from, to);
    const chain = steps(key, column.get(from) ?? 0, column.get(to) ?? 0);
    const high = LANE * Math.min(between.get(key)?.links.length ?? 1, 12);
    sized.push(...chain.map((step) => ({ key: step, width: WIDE, height: high })));
    const stops = [from, ...chain, to];
    for (let at = 1; at < stops.length; at += 1) edges.push([stops[at - 1]!, stops[at]!]);
    passes.set(key, chain);
  }
  const centres = layered(sized, edges, GAPS);
  const size = new Map(sized.map((each) => [each.key, each]));
  const corner = (key: string): Spot => {
    const [x, y] = centres[key] ?? [0, 0];
    return { left: x - WIDE / 2, middle: y, high: size.get(key)?.height ?? 0 };
  };
  const spots = new Map(sized.map((each) => [each.key, corner(each.key)]));
  const left = Math.min(0, ...[...spots.values()].map((spot) => spot.left));
  const top = Math.min(...[...spots.values()].map((spot) => spot.middle - spot.high / 2), Infinity);
  for (const spot of spots.values()) {
    spot.left -= left;
    spot.middle -= Number.isFinite(top) ? top : 0;
  }
  return {
    boxes: names.map((name) => boxAt(name, spots.get(name)!)),
    curves: [...between.values()].flatMap((bundle) =>
      curves(bundle, spots, rows, passes.get(keyOf(...bundle.pair))),
    ),
    wide: Math.max(0, ...[...spots.values()].map((spot) => spot.left + WIDE)),
    high: Math.max(0, ...[...spots.values()].map((spot) => spot.middle + spot.high / 2)),
  };
}

interface Spot {
  left: number;
  middle: number;
  high: number;
}

interface Bundle {
  pair: readonly [string, string];
  links: Link[];
}

/** Links by the two datasets that they are between. */
function bundles(links: readonly Link[]): Map<string, Bundle> {
  const found = new Map<string, Bundle>();
  for (const link of links) {
    const pair = [link.from.dataset, link.to.dataset] as const;
    const bundle = found.get(keyOf(...pair)) ?? { pair, links: [] };
    bundle.links.push(link);
    found.set(keyOf(...pair), bundle);
  }
  return found;
}

/** One stop for each column of boxes that a link passes. */
function steps(key: string, from: number, to: number): string[] {
  return Array.from({ length: Math.max(0, to - from - 1) }, (_, at) => `${key}${at}`);
}

const boxAt = (name: string, spot: Spot): Placed => ({
  name,
  left: Math.round(spot.left),
  top: Math.round(spot.middle - spot.high / 2),
  high: spot.high,
});

function curves(
  bundle: Bundle,
  spots: ReadonlyMap<string, Spot>,
  rows: ReadonlyMap<string, Rows>,
  chain: readonly string[] | undefined,
): Curve[] {
  const [from, to] = bundle.pair;
  const start = spots.get(from)!;
  const end = spots.get(to)!;
  const tip = end.left - 5;
  const alike = [...byRows(bundle, rows).values()];
  return alike.map(({ y1, y2, links }, at) => {
    const begin = start.middle - start.high / 2 + y1;
    const stop = end.middle - end.high / 2 + y2;
    const id = links[0]!.id;
    if (chain === undefined) return { id, links, d: loop(start.left + WIDE, begin, tip, stop) };
    const lane = (Math.min(at, 11) - (Math.min(alike.length, 12) - 1) / 2) * LANE;
    const stops = chain
      .map((key) => spots.get(key)!)
      .map((spot) => [spot.left, spot.middle + lane] as const);
    return { id, links, d: curve([start.left + WIDE, begin], stops, [tip, stop]) };
  });
}

interface Alike {
  y1: number;
  y2: number;
  links: Link[];
}

/** The links of a bundle by the rows that they are between; folded columns share one row. */
function byRows(bundle: Bundle, rows: ReadonlyMap<string, Rows>): Map<string, Alike> {
  const [from, to] = bundle.pair;
  const found = new Map<string, Alike>();
  for (const link of bundle.links) {
    const y1 = heightIn(rows.get(from), portOf(link.from), link.from.column);
    const y2 = heightIn(rows.get(to), portOf(link.to), link.to.column);
    const alike = found.get(`${y1} ${y2}`) ?? { y1, y2, links: [] };
    alike.links.push(link);
    found.set(`${y1} ${y2}`, alike);
  }
  return found;
}

/** How far below the top of its box a column's row is; a folded one is where the last row is. */
export function heightIn(rows: Rows | undefined, port: string, column: string | null): number {
  if (column === null || rows === undefined) return HEAD / 2;
  const at = rows.shown.indexOf(port);
  return HEAD + ROW * (at >= 0 ? at : rows.shown.length) + ROW / 2;
}

type Point = readonly [number, number];

function curve([x1, y1]: Point, stops: readonly Point[], end: Point): string {
  let d = `M${r(x1)} ${r(y1)}`;
  let [x, y] = [x1, y1];
  for (const [left, middle] of [...stops, end]) {
    const half = (x + left) / 2;
    d += `C${r(half)} ${r(y)} ${r(half)} ${r(middle)} ${r(left)} ${r(middle)}`;
    [x, y] = [left, middle];
    if (left !== end[0]) {
      x = left + WIDE;
      d += `H${r(x)}`;
    }
  }
  return d;
}

/** A link that leads back to the left, or to its own box. */
function loop(x1: number, y1: number, x2: number, y2: number): string {
  const out = 44;
  return `M${r(x1)} ${r(y1)}C${r(x1 + out)} ${r(y1)} ${r(x2 - out)} ${r(y2)} ${r(x2)} ${r(y2)}`;
}

const r = (value: number): number => Math.round(value * 10) / 10;

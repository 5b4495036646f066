/** A fast layered layout: longest-path columns, barycentre order, then rows drawn towards their neighbours. */

import { withoutCycles, type Pair } from "./cycles";
import type { Positions } from "./model";

export interface Sized {
  key: string;
  width: number;
  height: number;
}

export interface Gaps {
  column: number;
  row: number;
}

const GAPS: Gaps = { column: 72, row: 16 };
const SWEEPS = 6;

/** For each key its column: after everything above it, and no further from what it feeds than needed. */
export function columnsOf(keys: readonly string[], edges: readonly Pair[]): Map<string, number> {
  const up = new Map<string, string[]>(keys.map((key) => [key, []]));
  const down = new Map<string, string[]>(keys.map((key) => [key, []]));
  for (const [from, to] of edges) {
    up.get(to)?.push(from);
    down.get(from)?.push(to);
  }
  const left = new Map(keys.map((key) => [key, up.get(key)?.length ?? 0]));
  const queue = keys.filter((key) => left.get(key) === 0);
  const column = new Map(queue.map((key) => [key, 0]));
  for (let at = 0; at < queue.length; at += 1) {
    const key = queue[at]!;
    for (const child of down.get(key) ?? []) {
      column.set(child, Math.max(column.get(child) ?? 0, (column.get(key) ?? 0) + 1));
      left.set(child, (left.get(child) ?? 0) - 1);
      if (left.get(child) === 0) queue.push(child);
    }
  }
  for (let at = queue.length - 1; at >= 0; at -= 1) {
    const key = queue[at]!;
    const children = down.get(key) ?? [];
    // A source that is read late stands beside its reader rather than at the far left.
    if (children.length > 0 && (up.get(key)?.length ?? 0) === 0) {
      column.set(key, Math.min(...children.map((child) => (column.get(child) ?? 1) - 1)));
    }
  }
  return column;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Rows as near to `wanted` as can be, in this order and at least `apart[i]` after the one before.
 *
 * Least squares with order kept: neighbours that would overlap are pooled and moved as one block.
 */
export function spread(wanted: readonly number[], apart: readonly number[]): number[] {
  const offset: number[] = [];
  wanted.forEach((_, i) => offset.push(i === 0 ? 0 : offset[i - 1]! + apart[i]!));
  const blocks: { sum: number; count: number }[] = [];
  wanted.forEach((want, i) => {
    let block = { sum: want - offset[i]!, count: 1 };
    for (
      let last = blocks.at(-1);
      last && last.sum / last.count >= block.sum / block.count;
      last = blocks.at(-1)
    ) {
      block = { sum: last.sum + block.sum, count: last.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  });
  const base = blocks.flatMap(({ sum, count }) => Array.from({ length: count }, () => sum / count));
  return base.map((value, i) => value + offset[i]!);
}

function orderByNeighbours(
  columns: string[][],
  near: ReadonlyMap<string, string[]>,
  backwards: boolean,
): void {
  const place = new Map<string, number>();
  const note = (column: readonly string[]): void =>
    column.forEach((key, i) => place.set(key, i / column.length));
  columns.forEach(note);
  const ordered = backwards ? [...columns].reverse() : columns;
  for (const column of ordered) {
    const weight = new Map(
      column.map((key) => {
        const around = (near.get(key) ?? []).map((each) => place.get(each) ?? 0);
        return [key, around.length > 0 ? mean(around) : (place.get(key) ?? 0)];
      }),
    );
    column.sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0));
    note(column);
  }
}

function neighbours(
  keys: readonly string[],
  edges: readonly Pair[],
): [Map<string, string[]>, Map<string, string[]>] {
  const up = new Map<string, string[]>(keys.map((key) => [key, []]));
  const down = new Map<string, string[]>(keys.map((key) => [key, []]));
  for (const [from, to] of edges) {
    up.get(to)?.push(from);
    down.get(from)?.push(to);
  }
  return [up, down];
}

/** A column that is too tall is broken into several, so that a wide flow does not become a thread. */
function wrapped(columns: string[][], tallest: number): string[][][] {
  return columns.map((column) => {
    const parts = Math.max(1, Math.ceil(column.length / tallest));
    const size = Math.ceil(column.length / parts);
    return Array.from({ length: parts }, (_, i) => column.slice(i * size, (i + 1) * size)).filter(
      (part) => part.length > 0,
    );
  });
}

function ordered(
  keys: readonly string[],
  edges: readonly Pair[],
  near: [Map<string, string[]>, Map<string, string[]>],
): string[][] {
  const column = columnsOf(keys, edges);
  const columns: string[][] = [];
  for (const key of keys) (columns[column.get(key) ?? 0] ??= []).push(key);
  const full = Array.from(columns, (each) => each ?? []).filter((each) => each.length > 0);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    orderByNeighbours(full, sweep % 2 === 0 ? near[0] : near[1], sweep % 2 === 1);
  }
  return full;
}

/** Centres of all nodes, left to right. O(E log V): a thousand nodes take some tens of milliseconds. */
export function layered(
  nodes: readonly Sized[],
  edges: readonly Pair[],
  gaps: Gaps = GAPS,
): Positions {
  const keys = nodes.map((node) => node.key);
  const size = new Map(nodes.map((node) => [node.key, node]));
  const known = edges.filter(([from, to]) => size.has(from) && size.has(to));
  const acyclic = withoutCycles(keys, known);
  const near = neighbours(keys, acyclic);
  const strips = wrapped(
    ordered(keys, acyclic, near),
    Math.max(24, Math.ceil(Math.sqrt(keys.length) * 1.5)),
  ).flat();
  const row = new Map<string, number>();
  const heightOf = (key: string): number => size.get(key)?.height ?? 0;
  const apart = (strip: readonly string[]): number[] =>
    strip.map((key, i) => (i === 0 ? 0 : (heightOf(key) + heightOf(strip[i - 1]!)) / 2 + gaps.row));
  for (const strip of strips) {
    const gapsOf = apart(strip);
    let y = -gapsOf.reduce((sum, gap) => sum + gap, 0) / 2;
    strip.forEach((key, i) => row.set(key, (y += gapsOf[i]!)));
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const backwards = sweep % 2 === 1;
    for (const strip of backwards ? [...strips].reverse() : strips) {
      const wanted = strip.map((key) => {
        const around = ((backwards ? near[1] : near[0]).get(key) ?? []).map(
          (each) => row.get(each) ?? 0,
        );
        return around.length > 0 ? mean(around) : (row.get(key) ?? 0);
      });
      spread(wanted, apart(strip)).forEach((y, i) => row.set(strip[i]!, y));
    }
  }
  return placed(strips, row, size, gaps);
}

function placed(
  strips: readonly string[][],
  row: ReadonlyMap<string, number>,
  size: ReadonlyMap<string, Sized>,
  gaps: Gaps,
): Positions {
  const positions = Object.create(null) as Positions;
  let left = 0;
  for (const strip of strips) {
    const width = Math.max(...strip.map((key) => size.get(key)?.width ?? 0));
    for (const key of strip)
      positions[key] = [Math.round(left + width / 2), Math.round(row.get(key) ?? 0)];
    left += width + gaps.column;
  }
  return positions;
}

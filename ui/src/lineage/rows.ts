/** Which rows of a box are shown: the columns that matter, the rest folded into one row. */

import type { Box, Drawn } from "./model";
import { endOf, portOf } from "./model";

/** So many columns of one dataset are shown before the rest is folded. */
export const MOST = 10;
/** And so many where there are many datasets. */
export const FEW = 6;
const MANY = 8;
/** And so many of the dataset that is looked at. */
export const OWN = 24;

export interface Rows {
  /** Ports of the rows, top down. */
  shown: string[];
  /** Ports that one last row stands for. */
  folded: string[];
}

/**
 * The rows of one box.
 *
 * @param wanted Ports that are never folded: the column that is followed, and its path.
 * @param open Whether the reader asked for all.
 * @param most So many are shown of more.
 */
export function rowsOf(
  box: Box,
  wanted: ReadonlySet<string>,
  open: boolean,
  most: number = MOST,
): Rows {
  const portsOf = (columns: readonly string[]): string[] =>
    columns.map((column) => portOf({ dataset: box.name, column }));
  const linked = portsOf(box.columns);
  const all = [...linked, ...portsOf(box.others)];
  if (open || all.length <= Math.max(1, linked.length === 0 ? most : 0))
    return { shown: all, folded: [] };
  // What has no link is shown only where nothing has one.
  const ranked = linked.length > 0 ? linked : all;
  if (ranked.length <= most + 1) return { shown: ranked, folded: all.slice(ranked.length) };
  const first = ranked.filter((port) => wanted.has(port));
  const kept = new Set([...first, ...ranked].slice(0, Math.max(most, first.length)));
  return {
    shown: all.filter((port) => kept.has(port)),
    folded: all.filter((port) => !kept.has(port)),
  };
}

/** The rows of all boxes, by name of the dataset. */
export function allRows(
  drawn: Drawn,
  wanted: ReadonlySet<string>,
  open: ReadonlySet<string>,
  subject: string | null = null,
): Map<string, Rows> {
  const most = drawn.boxes.length > MANY ? FEW : MOST;
  return new Map(
    drawn.boxes.map((box) => [
      box.name,
      rowsOf(box, wanted, open.has(box.name), box.name === subject ? OWN : most),
    ]),
  );
}

/** The column of a row. */
export const columnOf = (port: string): string => endOf(port).column ?? "";

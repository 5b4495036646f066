/** Where each task of a drawing stands, kept apart from the drawing so that a change redraws one node. */

import { useMemo, useSyncExternalStore } from "react";

import { Keyed } from "./keyed";
import type { Counts } from "./states";

export interface Standing {
  state: string;
  /** A short word shown beside the kind, such as how long it took. */
  note?: string;
  /** States of the elements of a mapped task. */
  counts?: Counts;
}

export type Board = Keyed<Standing>;

const sameCounts = (a: Counts | undefined, b: Counts | undefined): boolean =>
  a === b || JSON.stringify(a) === JSON.stringify(b);

export function newBoard(entries: Iterable<readonly [string, Standing]> = []): Board {
  const board = new Keyed<Standing>(
    (a, b) => a.state === b.state && a.note === b.note && sameCounts(a.counts, b.counts),
  );
  board.set(entries);
  return board;
}

/** How many of these tasks stand where; tasks that nobody has said anything of do not count. */
export function countsOf(board: Board, keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) {
    const state = board.get(key)?.state;
    if (state !== undefined) counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

/** The counts as long as they stay the same object, which is what React compares. */
function countsSource(board: Board, keys: readonly string[]) {
  let text = "";
  let counts: Counts = {};
  return {
    listen: (changed: () => void) => board.listen(keys, changed),
    read: (): Counts => {
      const now = countsOf(board, keys);
      const said = JSON.stringify(now);
      if (said !== text) [text, counts] = [said, now];
      return counts;
    },
  };
}

/** `countsOf`, again whenever one of the tasks changes. */
export function useCounts(board: Board, keys: readonly string[]): Counts {
  const source = useMemo(() => countsSource(board, keys), [board, keys]);
  return useSyncExternalStore(source.listen, source.read);
}

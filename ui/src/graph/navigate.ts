/** Where an arrow key leads: left and right along edges, up and down within a column. */

import type { GraphIndex, Positions } from "./model";

export type Arrow = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

const isArrow = (key: string): key is Arrow => /^Arrow(Left|Right|Up|Down)$/.test(key);

function nearest(
  keys: readonly string[],
  at: readonly [number, number],
  positions: Positions,
): string | null {
  let best: string | null = null;
  let distance = Infinity;
  for (const key of keys) {
    const [x, y] = positions[key] ?? [Infinity, Infinity];
    const far = Math.abs(y - at[1]) + Math.abs(x - at[0]) / 4;
    if (far < distance) [best, distance] = [key, far];
  }
  return best;
}

/** The next node in that direction; the same one when there is none. */
export function step(
  index: GraphIndex,
  positions: Positions,
  from: string | null,
  pressed: string,
): string | null {
  if (!isArrow(pressed)) return from;
  if (from === null || !positions[from]) return first(positions);
  const at = positions[from];
  if (pressed === "ArrowRight") return nearest(index.downstream(from), at, positions) ?? from;
  if (pressed === "ArrowLeft") return nearest(index.upstream(from), at, positions) ?? from;
  const sign = pressed === "ArrowDown" ? 1 : -1;
  const column = Object.keys(positions).filter((key) => {
    const [x, y] = positions[key] ?? [0, 0];
    return key !== from && Math.abs(x - at[0]) < 100 && sign * (y - at[1]) > 0;
  });
  return nearest(column, at, positions) ?? from;
}

/** Nodes as one reads them: from left to right, in a column from top to bottom. */
export function inOrder(keys: readonly string[], positions: Positions): string[] {
  const at = (key: string): readonly [number, number] => positions[key] ?? [Infinity, Infinity];
  return [...keys].sort((a, b) => at(a)[0] - at(b)[0] || at(a)[1] - at(b)[1]);
}

/** The leftmost node, the topmost of those. */
export function first(positions: Positions): string | null {
  let best: string | null = null;
  for (const [key, [x, y]] of Object.entries(positions)) {
    const [bx, by] =
      best === null ? [Infinity, Infinity] : (positions[best] ?? [Infinity, Infinity]);
    if (x < bx || (x === bx && y < by)) best = key;
  }
  return best;
}

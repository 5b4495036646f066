/** Cycles, which folding a graph can make of it: what lies on one, and which edges to overlook. */

export type Pair = readonly [string, string];

function following(keys: readonly string[], edges: readonly Pair[]): Map<string, string[]> {
  const next = new Map<string, string[]>(keys.map((key) => [key, []]));
  for (const [from, to] of edges) if (from !== to && next.has(to)) next.get(from)?.push(to);
  return next;
}

/** Depth first from each root in turn: told on the way in whether it goes on, and on the way out. */
function walk(
  roots: readonly string[],
  next: ReadonlyMap<string, readonly string[]>,
  enter: (key: string) => boolean,
  leave: (key: string) => void,
  along: (from: string, to: string) => void = () => undefined,
): void {
  for (const root of roots) {
    if (!enter(root)) continue;
    const stack = [{ key: root, at: 0 }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const child = next.get(top.key)?.[top.at];
      top.at += 1;
      if (child === undefined) {
        leave(top.key);
        stack.pop();
        continue;
      }
      along(top.key, child);
      if (enter(child)) stack.push({ key: child, at: 0 });
    }
  }
}

/** For each key the number of its strongly connected component: keys on a common cycle share one. */
export function components(keys: readonly string[], edges: readonly Pair[]): Map<string, number> {
  const seen = new Set<string>();
  const order: string[] = [];
  const once = (key: string): boolean => !seen.has(key) && !!seen.add(key);
  walk(keys, following(keys, edges), once, (key) => order.push(key));
  const back = following(
    keys,
    edges.map(([from, to]): Pair => [to, from]),
  );
  const component = new Map<string, number>();
  let number = 0;
  for (const root of order.reverse()) {
    if (component.has(root)) continue;
    number += 1;
    const mine = number;
    walk(
      [root],
      back,
      (key) => !component.has(key) && !!component.set(key, mine),
      () => undefined,
    );
  }
  return component;
}

/**
 * The edges that are left when those that close a cycle are dropped.
 *
 * With `rank`, edges on a cycle that lead from a higher rank to a lower one go first, so that a
 * folded graph still reads in the order of the whole one.
 */
export function withoutCycles(
  keys: readonly string[],
  edges: readonly Pair[],
  rank?: ReadonlyMap<string, number>,
): Pair[] {
  const component = rank && components(keys, edges);
  const level = (key: string): number => rank?.get(key) ?? 0;
  const forward = edges.filter(
    ([from, to]) =>
      !component || component.get(from) !== component.get(to) || level(from) <= level(to),
  );
  const state = new Map<string, "open" | "done">();
  const kept: Pair[] = [];
  const enter = (key: string): boolean => !state.has(key) && !!state.set(key, "open");
  walk(
    keys,
    following(keys, forward),
    enter,
    (key) => state.set(key, "done"),
    (from, to) => {
      if (state.get(to) !== "open") kept.push([from, to]);
    },
  );
  return kept;
}

/** Which nodes lie above and below a node, and the path that decided how long a run took. */

import type { GraphIndex } from "./model";

export interface Focus {
  key: string;
  /** Steps against the edges; null for all of them. */
  up: number | null;
  down: number | null;
}

function walk(
  next: (key: string) => readonly string[],
  from: string,
  steps: number | null,
): Set<string> {
  const found = new Set([from]);
  let edge = [from];
  for (let step = 0; edge.length > 0 && (steps === null || step < steps); step += 1) {
    const after: string[] = [];
    for (const key of edge) {
      for (const neighbour of next(key)) {
        if (found.has(neighbour)) continue;
        found.add(neighbour);
        after.push(neighbour);
      }
    }
    edge = after;
  }
  return found;
}

/** The node and what is at most so many steps above and below it. */
export function neighbourhood(index: GraphIndex, { key, up, down }: Focus): Set<string> {
  const found = walk((each) => index.upstream(each), key, up);
  for (const each of walk((other) => index.downstream(other), key, down)) found.add(each);
  return found;
}

export interface Timed {
  started?: string | null;
  finished?: string | null;
}

/**
 * From the task that finished last, back along whichever upstream finished last: what was waited for.
 */
export function criticalPath(
  index: GraphIndex,
  timed: (key: string) => Timed | undefined,
): string[] {
  const end = (key: string): number => Date.parse(timed(key)?.finished ?? "") || -Infinity;
  const latest = (keys: Iterable<string>): string | null => {
    let best: string | null = null;
    for (const key of keys) {
      if (end(key) > -Infinity && (best === null || end(key) > end(best))) best = key;
    }
    return best;
  };
  const path: string[] = [];
  const seen = new Set<string>();
  for (
    let at = latest(index.up.keys());
    at !== null && !seen.has(at);
    at = latest(index.upstream(at))
  ) {
    seen.add(at);
    path.unshift(at);
  }
  return path;
}

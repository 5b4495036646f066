/** Which nodes a search finds: every word must occur in the name, key, path, layer, kind, tags or datasets. */

import type { GraphNode } from "./model";

export function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/\s+/).filter(Boolean);
}

export function haystack(node: GraphNode): string {
  return [
    node.name,
    node.key,
    node.path,
    node.folder,
    node.layer,
    node.resource_type,
    ...(node.tags ?? []),
    ...(node.writes ?? []),
  ]
    .filter(Boolean)
    .join("\n")
    .toLowerCase();
}

/** The keys found; null when nothing is searched for, which is not the same as finding nothing. */
export function found(nodes: readonly GraphNode[], text: string): Set<string> | null {
  const words = wordsOf(text);
  if (words.length === 0) return null;
  const hits = nodes.filter((node) => {
    const hay = haystack(node);
    return words.every((word) => hay.includes(word));
  });
  return new Set(hits.map((node) => node.key));
}

/** What keys do in a field that searches a graph. */
export const GO_ON = "Enter goes to the next that is found, Shift and Enter to the one before";

/** One on or back, past 0, which goes nowhere. */
export function nextHit(hit: number, by: 1 | -1): number {
  return hit + by || by;
}

/** The one of what is found that a number means: 1 the first, -1 the last, and round. */
export function hitAt(found: readonly string[], hit: number): string | undefined {
  const count = found.length;
  return found[(((hit > 0 ? hit - 1 : hit) % count) + count) % count];
}

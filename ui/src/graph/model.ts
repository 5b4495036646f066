/** What is drawn: nodes, edges, and an index that answers who is next to whom. */

import { Pairs } from "./pairs";

export interface Evidence {
  source: string;
  text: string;
  file?: string | null;
  line?: number | null;
  node?: string | null;
}

export interface GraphNode {
  key: string;
  name: string;
  resource_type?: string | null;
  path?: string | null;
  folder?: string | null;
  layer?: string | null;
  tags?: readonly string[];
  reads?: readonly string[];
  writes?: readonly string[];
  /** Seconds it usually takes, where that is known. */
  expected?: number | null;
}

export interface GraphEdge {
  upstream: string;
  downstream: string;
  dataset?: string | null;
  evidence?: readonly Evidence[];
}

export interface GraphData {
  hash?: string | null;
  nodes: readonly GraphNode[];
  edges: readonly GraphEdge[];
  layout?: Positions | null;
}

/** Where the centre of each node is. */
export type Positions = Record<string, readonly [number, number]>;

export class GraphIndex {
  readonly up = new Map<string, string[]>();
  readonly down = new Map<string, string[]>();

  constructor(keys: Iterable<string>, edges: Iterable<GraphEdge>) {
    for (const key of keys) {
      this.up.set(key, []);
      this.down.set(key, []);
    }
    const seen = new Pairs();
    for (const { upstream, downstream } of edges) {
      if (upstream === downstream) continue;
      if (!this.up.has(upstream) || !this.up.has(downstream)) continue;
      if (!seen.add(upstream, downstream)) continue;
      this.down.get(upstream)?.push(downstream);
      this.up.get(downstream)?.push(upstream);
    }
  }

  upstream(key: string): readonly string[] {
    return this.up.get(key) ?? [];
  }

  downstream(key: string): readonly string[] {
    return this.down.get(key) ?? [];
  }
}

/** What people read where a name is empty or only blanks. */
export function shownName(name: string, key: string): string {
  const visible = (text: string): boolean => /[^\s\p{Cf}\p{Cc}\u2800\u3164]/u.test(text);
  if (visible(name)) return name;
  return visible(key) ? key : "(no name)";
}

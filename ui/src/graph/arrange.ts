/** Choosing how a graph is laid out: dagre where it is quick, our own layers where it is not. */

import * as dagre from "@dagrejs/dagre";

import { withoutCycles, type Pair } from "./cycles";
import { columnsOf, layered, type Sized } from "./layered";
import type { Positions } from "./model";

/** dagre takes a second for 300 nodes and up to seven for 1,000; our layers some 50 ms. */
const DAGRE_UP_TO = 120;
/** dagre stacks a column however tall it gets. */
const TALLEST_COLUMN = 40;

export interface Arrangement {
  nodes: readonly Sized[];
  edges: readonly Pair[];
}

/** Centres of all nodes, left to right. */
export function arrange({ nodes, edges }: Arrangement): Positions {
  return suitsDagre(nodes, edges) ? byDagre(nodes, edges) : layered(nodes, edges);
}

function suitsDagre(nodes: readonly Sized[], edges: readonly Pair[]): boolean {
  if (nodes.length > DAGRE_UP_TO || nodes.length === 0) return false;
  const keys = nodes.map((node) => node.key);
  const heights = new Map<number, number>();
  for (const column of columnsOf(keys, withoutCycles(keys, edges)).values()) {
    heights.set(column, (heights.get(column) ?? 0) + 1);
  }
  return Math.max(...heights.values()) <= TALLEST_COLUMN;
}

function byDagre(nodes: readonly Sized[], edges: readonly Pair[]): Positions {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: "LR", ranker: "tight-tree", nodesep: 16, ranksep: 64, edgesep: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  // Numbers for names: dagre keeps nodes in plain objects, where "__proto__" is no name.
  const number = new Map(nodes.map((node, i) => [node.key, String(i)]));
  nodes.forEach(({ width, height }, i) => graph.setNode(String(i), { width, height }));
  for (const [from, to] of edges) {
    const ends = [number.get(from), number.get(to)] as const;
    if (ends[0] !== undefined && ends[1] !== undefined) graph.setEdge(ends[0], ends[1]);
  }
  dagre.layout(graph);
  const positions = Object.create(null) as Positions;
  nodes.forEach(({ key }, i) => {
    const { x, y } = graph.node(String(i)) as { x: number; y: number };
    positions[key] = [Math.round(x), Math.round(y)];
  });
  return positions;
}

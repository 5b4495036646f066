/** Which nodes are folded into groups, and the smaller graph that is left to draw. */

import { components, type Pair } from "./cycles";
import type { GraphEdge, GraphNode } from "./model";
import { shownName } from "./model";
import { Pairs } from "./pairs";

export type GroupBy = "none" | "folder" | "layer" | "tag" | "kind";

export const GROUPINGS: readonly GroupBy[] = ["none", "folder", "layer", "tag", "kind"];

/** Above so many nodes a graph is folded to begin with. */
export const FOLD_ABOVE = 300;

export interface Group {
  key: string;
  by: GroupBy;
  name: string;
  members: readonly string[];
}

export interface DrawnNode {
  key: string;
  name: string;
  /** The node itself, or the group that stands for several. */
  node: GraphNode | null;
  group: Group | null;
}

export interface Drawn {
  nodes: DrawnNode[];
  edges: GraphEdge[];
  groups: Map<string, Group>;
  /** For each node of the whole graph, what stands for it in the drawing. */
  standIn: Map<string, string>;
}

const MARK = "\u0001";

export function groupKey(by: GroupBy, name: string): string {
  return `${MARK}${by}${MARK}${name}`;
}

export function isGroupKey(key: string): boolean {
  return key.startsWith(MARK);
}

const NOWHERE: Record<GroupBy, string> = {
  none: "",
  folder: "no folder",
  layer: "no layer",
  tag: "no tag",
  kind: "no kind",
};

/** The name of the group a node belongs to; a node with several tags goes by its first. */
export function groupNameOf(node: GraphNode, by: GroupBy): string {
  const said =
    by === "folder"
      ? node.folder
      : by === "layer"
        ? node.layer
        : by === "tag"
          ? node.tags?.[0]
          : node.resource_type;
  return said?.trim() ? said : NOWHERE[by];
}

export function groupsOf(nodes: readonly GraphNode[], by: GroupBy): Map<string, Group> {
  const members = new Map<string, string[]>();
  if (by === "none") return new Map();
  for (const node of nodes) {
    const name = groupNameOf(node, by);
    const list = members.get(name);
    if (list) list.push(node.key);
    else members.set(name, [node.key]);
  }
  const sorted = [...members].sort(([a], [b]) => a.localeCompare(b));
  return new Map(
    sorted.map(([name, keys]) => [
      groupKey(by, name),
      { key: groupKey(by, name), by, name, members: keys },
    ]),
  );
}

const chosen = new WeakMap<readonly GraphNode[], GroupBy>();

/** The way to fold that tells parts apart best: evenly, into few, and without making cycles. */
export function bestGrouping(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): GroupBy {
  if (nodes.length <= FOLD_ABOVE) return "none";
  const by = chosen.get(nodes) ?? foundBest(nodes, edges);
  chosen.set(nodes, by);
  return by;
}

function foundBest(nodes: readonly GraphNode[], edges: readonly GraphEdge[]): GroupBy {
  let best: GroupBy = "none";
  let score = Infinity;
  for (const by of ["folder", "layer", "tag", "kind"] as const) {
    const groups = [...groupsOf(nodes, by).values()];
    if (groups.length < 2) continue;
    const largest = Math.max(...groups.map((group) => group.members.length));
    const cost =
      largest / nodes.length + groups.length / FOLD_ABOVE + cyclic(drawn(nodes, edges, by, NONE));
    if (cost < score) [best, score] = [by, cost];
  }
  return best;
}

const NONE: ReadonlySet<string> = new Set();

/** The share of edges that lie on a cycle. */
function cyclic({ nodes, edges }: Drawn): number {
  if (edges.length === 0) return 0;
  const pairs = edges.map(({ upstream, downstream }): Pair => [upstream, downstream]);
  const component = components(
    nodes.map((node) => node.key),
    pairs,
  );
  return (
    pairs.filter(([from, to]) => component.get(from) === component.get(to)).length / pairs.length
  );
}

/**
 * The graph with every group folded that is not in `open`.
 *
 * A group of one is never folded: it would hide a name and win nothing.
 */
export function drawn(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  by: GroupBy,
  open: ReadonlySet<string>,
): Drawn {
  const groups = groupsOf(nodes, by);
  const standIn = new Map<string, string>();
  const shown: DrawnNode[] = [];
  const folded = new Map<string, Group>();
  for (const group of groups.values()) {
    if (open.has(group.key) || group.members.length < 2) continue;
    for (const member of group.members) folded.set(member, group);
    shown.push({ key: group.key, name: group.name, node: null, group });
  }
  for (const node of nodes) {
    const group = folded.get(node.key);
    standIn.set(node.key, group?.key ?? node.key);
    if (!group)
      shown.push({ key: node.key, name: shownName(node.name, node.key), node, group: null });
  }
  return { nodes: shown, edges: liftedEdges(edges, standIn), groups, standIn };
}

function liftedEdges(
  edges: readonly GraphEdge[],
  standIn: ReadonlyMap<string, string>,
): GraphEdge[] {
  const lifted: GraphEdge[] = [];
  const seen = new Pairs();
  for (const edge of edges) {
    const upstream = standIn.get(edge.upstream);
    const downstream = standIn.get(edge.downstream);
    if (upstream === undefined || downstream === undefined || upstream === downstream) continue;
    if (!seen.add(upstream, downstream)) continue;
    const whole = upstream === edge.upstream && downstream === edge.downstream;
    lifted.push(whole ? edge : { upstream, downstream });
  }
  return lifted;
}

/** What is to be drawn of a graph under a view: which nodes, how large, and which stand out. */

import {
  bestGrouping,
  drawn,
  groupKey,
  type Drawn,
  type DrawnNode,
  type GroupBy,
} from "./grouping";
import { withoutCycles, type Pair } from "./cycles";
import { columnsOf, type Sized } from "./layered";
import { GraphIndex, type GraphData } from "./model";
import { neighbourhood } from "./reach";
import { found } from "./search";
import type { GraphView } from "./view";

export const NODE = { width: 216, height: 46 } as const;
export const GROUP = { width: 232, height: 66 } as const;

export interface Drawing extends Drawn {
  by: GroupBy;
  /** Whether every node of the graph is drawn, so that its layout may be kept for others. */
  whole: boolean;
  sizes: Sized[];
  pairs: Pair[];
  /** The graph as it is drawn. */
  index: GraphIndex;
  at: Map<string, DrawnNode>;
}

/** The part of the graph that the focus leaves, folded as the view asks. */
export function drawingOf(
  data: GraphData,
  whole: GraphIndex,
  view: Pick<GraphView, "by" | "open" | "focus">,
): Drawing {
  const near = view.focus && whole.up.has(view.focus.key) ? neighbourhood(whole, view.focus) : null;
  const nodes = near ? data.nodes.filter((node) => near.has(node.key)) : data.nodes;
  const by = view.by ?? bestGrouping(nodes, data.edges);
  const open = new Set(view.open.map((name) => groupKey(by, name)));
  const all = drawn(nodes, data.edges, by, open);
  return {
    ...all,
    by,
    whole: near === null && all.nodes.length === data.nodes.length,
    sizes: all.nodes.map(({ key, group }) => ({ key, ...(group ? GROUP : NODE) })),
    pairs: pairsOf(all, whole),
    index: new GraphIndex(
      all.nodes.map((node) => node.key),
      all.edges,
    ),
    at: new Map(all.nodes.map((node) => [node.key, node])),
  };
}

/** The edges to lay out by: where folding made a cycle, those that go with the order of the whole graph. */
function pairsOf({ nodes, edges }: Drawn, whole: GraphIndex): Pair[] {
  const pairs = edges.map(({ upstream, downstream }): Pair => [upstream, downstream]);
  if (nodes.every((node) => node.group === null)) return pairs;
  const shown = nodes.map((node) => node.key);
  if (withoutCycles(shown, pairs).length === pairs.length) return pairs;
  const keys = [...whole.up.keys()];
  const all = keys.flatMap((key) => whole.downstream(key).map((down): Pair => [key, down]));
  const column = columnsOf(keys, withoutCycles(keys, all));
  const mean = (members: readonly string[]): number =>
    members.reduce((sum, member) => sum + (column.get(member) ?? 0), 0) / members.length;
  const rank = new Map(nodes.map(({ key, group }) => [key, mean(group?.members ?? [key])]));
  return withoutCycles(shown, pairs, rank);
}

export interface Mark {
  dim: boolean;
  selected: boolean;
  critical: boolean;
  /** How many members of a group are found; null when nothing is searched for. */
  hits: number | null;
}

export const sameMark = (a: Mark, b: Mark): boolean =>
  a.dim === b.dim && a.selected === b.selected && a.critical === b.critical && a.hits === b.hits;

/** The keys that a search and a page's own filter leave; null when neither is on. */
export function hitsOf(
  data: GraphData,
  search: string,
  only: ReadonlySet<string> | null,
): ReadonlySet<string> | null {
  const hits = found(data.nodes, search);
  if (hits === null || only === null) return hits ?? only;
  return new Set([...hits].filter((key) => only.has(key)));
}

/** The drawn nodes in which something is found; all, when nothing is searched for. */
export function nodesWith(
  { nodes }: Drawing,
  hits: ReadonlySet<string> | null,
): readonly DrawnNode[] {
  if (hits === null) return nodes;
  return nodes.filter(({ key, group }) => (group?.members ?? [key]).some((each) => hits.has(each)));
}

/** How each drawn node stands out. */
export function marksOf(
  drawing: Drawing,
  hits: ReadonlySet<string> | null,
  selected: string | null,
  critical: ReadonlySet<string>,
): [string, Mark][] {
  const chosen = selected === null ? null : (drawing.standIn.get(selected) ?? selected);
  return drawing.nodes.map(({ key, group }) => {
    const members = group?.members ?? [key];
    const count = hits === null ? null : members.filter((member) => hits.has(member)).length;
    return [
      key,
      {
        dim: count === 0,
        selected: key === chosen,
        critical: members.some((member) => critical.has(member)),
        hits: count,
      },
    ];
  });
}

/** The steps of the critical path between nodes as they are drawn. */
export function criticalPairs(drawing: Drawing, path: readonly string[]): Set<string> {
  const shown = path.map((key) => drawing.standIn.get(key)).filter((key) => key !== undefined);
  return new Set(shown.slice(1).map((key, i) => JSON.stringify([shown[i], key])));
}

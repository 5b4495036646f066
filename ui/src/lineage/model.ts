/** Column lineage as boxes and links: answers merged, ports named, paths followed. */

import type { Evidence, Lineage, LineageEnd } from "../api/types";

/** What the server says besides: whether there is more beyond the steps, what cannot be told of a link. */
export type Answer = Omit<Lineage, "edges"> & {
  edges: (Lineage["edges"][number] & { notes?: string[] })[];
  truncated?: boolean;
};

export interface Link {
  id: string;
  from: LineageEnd;
  to: LineageEnd;
  task: string | null;
  evidence: Evidence[];
  kind: string;
  /** What cannot be told of it, and why. */
  notes: string[];
}

export interface Box {
  name: string;
  layer: string | null;
  kind: string | null;
  /** The columns that take part, in the dataset's own order. */
  columns: string[];
  /** Its other columns, where they are known: they have no link here. */
  others: string[];
}

export interface Drawn {
  boxes: Box[];
  links: Link[];
  /** Why nothing is known of what goes into a dataset, by its name. */
  unknown: Map<string, string>;
  /** Whether there is more beyond the steps that were asked for. */
  more: boolean;
}

export interface Path {
  ports: Set<string>;
  links: Set<string>;
}

/** The name of one column of one dataset; without a column, of the dataset itself. */
export const portOf = (end: LineageEnd): string => JSON.stringify([end.dataset, end.column]);

/** The reverse of `portOf`. */
export function endOf(port: string): LineageEnd {
  const [dataset, column] = JSON.parse(port) as [string, string | null];
  return { dataset, column };
}

const idOf = (from: LineageEnd, to: LineageEnd, task: string | null, kind: string): string =>
  JSON.stringify([from.dataset, from.column, to.dataset, to.column, task, kind]);

/**
 * One drawing of several answers: each dataset, column and link once.
 *
 * @param known All columns of some datasets, in their own order.
 */
export function merged(
  answers: readonly Answer[],
  known: ReadonlyMap<string, readonly string[]> = NONE,
): Drawn {
  const boxes = new Map<string, Box>();
  const links = new Map<string, Link>();
  const unknown = new Map<string, string>();
  const box = (name: string): Box => {
    const found = boxes.get(name) ?? { name, layer: null, kind: null, columns: [], others: [] };
    boxes.set(name, found);
    return found;
  };
  for (const answer of answers) {
    for (const dataset of answer.datasets) {
      const into = box(dataset.name);
      into.layer ??= dataset.layer;
      into.kind ??= dataset.kind;
      for (const column of dataset.columns)
        if (!into.columns.includes(column)) into.columns.push(column);
    }
    for (const { from, to, task, evidence, kind, notes = [] } of answer.edges) {
      const id = idOf(from, to, task, kind);
      const before = links.get(id);
      const places = [...(before?.evidence ?? []), ...evidence];
      const said = [...new Set([...(before?.notes ?? []), ...notes])];
      links.set(id, { id, from, to, task, kind, evidence: distinct(places), notes: said });
      for (const end of [from, to]) {
        const { columns } = box(end.dataset);
        if (end.column !== null && !columns.includes(end.column)) columns.push(end.column);
      }
    }
    for (const { dataset, why } of answer.unknown) unknown.set(dataset, why);
  }
  for (const each of boxes.values()) {
    const columns = known.get(each.name) ?? [];
    const place = (name: string): number =>
      (columns.indexOf(name) + columns.length + 1) % (columns.length + 1);
    if (columns.length > 0) each.columns.sort((a, b) => place(a) - place(b));
    each.others = columns.filter((name) => !each.columns.includes(name));
  }
  const more = answers.some((answer) => answer.truncated);
  return { boxes: [...boxes.values()], links: finest([...links.values()]), unknown, more };
}

const NONE: ReadonlyMap<string, readonly string[]> = new Map();

/** Between two datasets, a link of the datasets says nothing more where their columns have links. */
function finest(links: readonly Link[]): Link[] {
  const pair = ({ from, to }: Link): string => JSON.stringify([from.dataset, to.dataset]);
  const fine = new Set(
    links.filter(({ from, to }) => from.column !== null && to.column !== null).map(pair),
  );
  return links.filter(
    (link) => link.from.column !== null || link.to.column !== null || !fine.has(pair(link)),
  );
}

function distinct(evidence: readonly Evidence[]): Evidence[] {
  return [...new Map(evidence.map((each) => [JSON.stringify(each), each])).values()];
}

/** Where links lead to from each port, one way. */
interface Leads {
  from: Map<string, Lead[]>;
  /** By dataset: from what may be any of its columns. */
  any: Map<string, Lead[]>;
}

interface Lead {
  far: string;
  id: string;
}

const known = new WeakMap<readonly Link[], { up: Leads; down: Leads }>();

/** Everything before and after one port; a port of a dataset means any of its columns. */
export function pathOf(links: readonly Link[], start: string): Path {
  const leads = known.get(links) ?? { up: leadsOf(links, "up"), down: leadsOf(links, "down") };
  known.set(links, leads);
  const found: Path = { ports: new Set([start]), links: new Set() };
  for (const way of [leads.up, leads.down]) walk(way, start, found);
  return found;
}

function leadsOf(links: readonly Link[], way: "up" | "down"): Leads {
  const found: Leads = { from: new Map(), any: new Map() };
  const add = (to: Map<string, Lead[]>, key: string, lead: Lead): void => {
    const leads = to.get(key);
    if (leads) leads.push(lead);
    else to.set(key, [lead]);
  };
  for (const link of links) {
    const [near, far] = way === "up" ? [link.to, link.from] : [link.from, link.to];
    const lead = { far: portOf(far), id: link.id };
    add(found.from, portOf(near), lead);
    // A task that does not say which columns it uses may use any of them.
    const loose = near.column === null || near.column === "*";
    if (loose && link.kind !== "rows") add(found.any, near.dataset, lead);
  }
  return found;
}

function walk(leads: Leads, start: string, found: Path): void {
  const { dataset, column } = endOf(start);
  const own = (): string[] =>
    [...leads.from.keys()].filter((port) => endOf(port).dataset === dataset);
  const seen = new Set(column === null ? [start, ...own()] : [start]);
  const queue = [...seen];
  for (let at = 0; at < queue.length; at += 1) {
    const port = queue[at]!;
    found.ports.add(port);
    const end = endOf(port);
    const loose = end.column === null ? [] : (leads.any.get(end.dataset) ?? []);
    for (const { far, id } of [...(leads.from.get(port) ?? []), ...loose]) {
      found.links.add(id);
      if (seen.has(far)) continue;
      seen.add(far);
      queue.push(far);
    }
  }
}

/** The links that end, and those that begin, at a column, or at any column of a dataset. */
export function linksAt(links: readonly Link[], end: LineageEnd): { up: Link[]; down: Link[] } {
  const here = (other: LineageEnd): boolean =>
    other.dataset === end.dataset && (end.column === null || other.column === end.column);
  return {
    up: links.filter((link) => here(link.to)),
    down: links.filter((link) => here(link.from)),
  };
}

/** Whether what is known ends here, so that a further step may be asked for. */
export function isEdgeOfSight(drawn: Drawn, name: string, way: "up" | "down"): boolean {
  return !drawn.links.some((link) => (way === "up" ? link.to : link.from).dataset === name);
}

export interface Words {
  short: string;
  long: string;
  /** Whether the link is less than certain. */
  vague: boolean;
}

const KINDS: Record<string, Words> = {
  identity: { short: "as it is", long: "is passed on as it is", vague: false },
  transform: { short: "computed", long: "is computed from it", vague: false },
  aggregate: { short: "aggregated", long: "is aggregated from it", vague: false },
  value: { short: "value", long: "its value goes into it", vague: false },
  table: {
    short: "reads",
    long: "is read to make it; which columns go into which is not drawn",
    vague: false,
  },
  filter: { short: "filter", long: "decides which rows there are", vague: false },
  join: { short: "join", long: "decides which rows are joined", vague: false },
  rows: { short: "rows", long: "the rows are counted, whatever the columns hold", vague: true },
  unresolved: { short: "perhaps", long: "the name may belong to more than one table", vague: true },
  any: {
    short: "any",
    long: "the task names the column it writes, not what goes into it",
    vague: true,
  },
  unknown: {
    short: "unknown",
    long: "nothing is known of the columns that the task writes",
    vague: true,
  },
};

/** How one column depends on another, in words. */
export const wordsOf = (kind: string): Words =>
  KINDS[kind] ?? { short: kind, long: kind, vague: false };

/** What stands for a column; `*` is any of them. */
export const columnText = (column: string | null): string =>
  column === null ? "the dataset" : column === "*" ? "any column" : column;

/** "file:line", or the node. */
export const placeText = (piece: Evidence): string =>
  piece.file ? (piece.line ? `${piece.file}:${piece.line}` : piece.file) : (piece.node ?? "");

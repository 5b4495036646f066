/** Positions for a drawing: from memory, from the server, or made by the worker and kept in both. */

import { useEffect, useMemo, useState } from "react";

import { send } from "../api/client";
import type { Pair } from "./cycles";
import { layered, type Sized } from "./layered";
import type { Arrangement } from "./arrange";
import type { Positions } from "./model";

const KEPT = 40;
const memory = new Map<string, Positions>();
const waiting = new Map<number, (entries: [string, readonly [number, number]][]) => void>();
let worker: Worker | null = null;
let last = 0;

const EMPTY: Positions = {};

function theWorker(): Worker {
  if (worker) return worker;
  worker = new Worker(new URL("./layout.worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = (
    event: MessageEvent<{ number: number; positions: [string, [number, number]][] }>,
  ) => {
    waiting.get(event.data.number)?.(event.data.positions);
    waiting.delete(event.data.number);
  };
  return worker;
}

function asPositions(entries: Iterable<readonly [string, readonly [number, number]]>): Positions {
  const positions = Object.create(null) as Positions;
  for (const [key, at] of entries) positions[key] = at;
  return positions;
}

/** Lay out in the worker; where there is none, the quick way in place. */
export function layOut(what: Arrangement): Promise<Positions> {
  return new Promise((resolve) => {
    const inPlace = (): void => resolve(layered(what.nodes, what.edges));
    try {
      const to = theWorker();
      last += 1;
      waiting.set(last, (entries) => resolve(asPositions(entries)));
      to.onerror = inPlace;
      to.postMessage({ number: last, what });
    } catch {
      inPlace();
    }
  });
}

/** What a layout depends on, as a short word: 53 bits over keys, sizes and edges. */
export function layoutKey(nodes: readonly Sized[], edges: readonly Pair[]): string {
  const text = JSON.stringify([nodes.map(({ key, width, height }) => [key, width, height]), edges]);
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  return `${(a >>> 0).toString(36)}.${(b >>> 0).toString(36)}.${text.length}`;
}

function keep(key: string, positions: Positions): void {
  memory.set(key, positions);
  const oldest = memory.size > KEPT ? memory.keys().next().value : undefined;
  if (oldest !== undefined) memory.delete(oldest);
}

export interface Asked {
  nodes: readonly Sized[];
  edges: readonly Pair[];
  /** Positions the server keeps for this very drawing. */
  known?: Positions | null;
  /** Hash of the graph, if the server should keep what is made for it. */
  hash?: string | null;
}

const complete = (
  nodes: readonly Sized[],
  positions: Positions | null | undefined,
): positions is Positions =>
  !!positions &&
  nodes.every(({ key }) => Object.hasOwn(positions, key) || positions[key] !== undefined);

/** The positions, and whether they are still being made (the last ones are shown meanwhile). */
export function useLayout({ nodes, edges, known, hash }: Asked): {
  positions: Positions;
  pending: boolean;
} {
  const key = useMemo(() => layoutKey(nodes, edges), [nodes, edges]);
  const [made, setMade] = useState<{ key: string; positions: Positions } | null>(null);
  const given = useMemo(
    () => (complete(nodes, known) ? asPositions(Object.entries(known)) : null),
    [nodes, known],
  );
  const remembered = given ?? memory.get(key) ?? null;
  useEffect(() => {
    if (given || memory.has(key) || nodes.length === 0) return;
    let over = false;
    void layOut({ nodes, edges }).then((positions) => {
      keep(key, positions);
      // Kept for the next reader; that it could not be kept is no concern of this one.
      if (hash) void send("PUT", `/graphs/${hash}/layout`, { positions }).catch(() => undefined);
      if (!over) setMade({ key, positions });
    });
    return () => {
      over = true;
    };
    // `key` stands for nodes and edges.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, hash, given !== null]);
  const ready = remembered ?? (made?.key === key ? made.positions : null);
  return { positions: ready ?? EMPTY, pending: ready === null && nodes.length > 0 };
}

/** All edges of a drawing as a handful of paths: a thousand curves cost the page four elements. */

import { useMemo, type JSX } from "react";
import { ViewportPortal } from "@xyflow/react";

import { criticalPairs, type Drawing } from "./drawing";
import type { Positions } from "./model";
import styles from "./Graph.module.css";

type Kind = "plain" | "dim" | "near" | "critical";
const KINDS: readonly Kind[] = ["dim", "plain", "critical", "near"];

/** A curve from the right side of one node to the left side of another, with a small arrowhead. */
function curve(x1: number, y1: number, x2: number, y2: number): string {
  const bend = Math.max(28, Math.abs(x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}M${x2 - 5} ${y2 - 3.5}L${x2} ${y2}L${x2 - 5} ${y2 + 3.5}`;
}

export interface EdgesProps {
  drawing: Drawing;
  positions: Positions;
  hits: ReadonlySet<string> | null;
  selected: string | null;
  critical: readonly string[];
}

export function Edges({ drawing, positions, hits, selected, critical }: EdgesProps): JSX.Element {
  const curves = useMemo(() => {
    const width = new Map(drawing.sizes.map((size) => [size.key, size.width]));
    return drawing.edges.flatMap(({ upstream, downstream }) => {
      const from = positions[upstream];
      const to = positions[downstream];
      if (!from || !to) return [];
      const start = from[0] + (width.get(upstream) ?? 0) / 2;
      const end = to[0] - (width.get(downstream) ?? 0) / 2;
      return [{ upstream, downstream, path: curve(start, from[1], end, to[1]) }];
    });
  }, [drawing, positions]);
  const paths = useMemo(() => {
    const along = criticalPairs(drawing, critical);
    const chosen = selected === null ? null : (drawing.standIn.get(selected) ?? selected);
    const lit = hits && new Set([...hits].map((key) => drawing.standIn.get(key)));
    const parts: Record<Kind, string[]> = { plain: [], dim: [], near: [], critical: [] };
    for (const { upstream, downstream, path } of curves) {
      const kind: Kind =
        upstream === chosen || downstream === chosen
          ? "near"
          : along.has(JSON.stringify([upstream, downstream]))
            ? "critical"
            : lit && !(lit.has(upstream) && lit.has(downstream))
              ? "dim"
              : "plain";
      parts[kind].push(path);
    }
    return parts;
  }, [drawing, curves, hits, selected, critical]);
  return (
    <ViewportPortal>
      <svg className={styles.edges} width="1" height="1" aria-hidden="true">
        {KINDS.map((kind) => (
          <path key={kind} data-kind={kind} d={paths[kind].join("")} />
        ))}
      </svg>
    </ViewportPortal>
  );
}

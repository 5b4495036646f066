/** The whole drawing, small: a path for each tone, the part in sight, and a way to move it. */

import {
  useCallback,
  useMemo,
  useState,
  useSyncExternalStore,
  type JSX,
  type PointerEvent,
} from "react";
import { useReactFlow, useStore } from "@xyflow/react";

import { countsOf, type Board } from "./board";
import type { Drawing, Mark } from "./drawing";
import type { Keyed } from "./keyed";
import { useAround, type DrawnAs } from "./nodes";
import { lookOf, worst } from "./states";
import styles from "./Graph.module.css";

const SIZE = { width: 200, height: 150 };

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export function MiniMap({
  nodes,
  drawing,
}: {
  nodes: readonly DrawnAs[];
  drawing: Drawing;
}): JSX.Element {
  const { board, marks } = useAround();
  const listen = useCallback(
    (changed: () => void) => {
      const ends = [board.listen(null, changed), marks.listen(null, changed)];
      return () => ends.forEach((end) => end());
    },
    [board, marks],
  );
  const version = useSyncExternalStore(listen, () => `${board.version} ${marks.version}`);
  const paths = useMemo(
    () => pathsOf(nodes, drawing, board, marks),
    // `version` stands for what board and marks hold.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [nodes, drawing, board, marks, version],
  );
  const all = useMemo(() => boundsOf(nodes), [nodes]);
  return <Sketch all={all} paths={paths} />;
}

interface Drawn {
  tone: string;
  dim: boolean;
  selected: boolean;
  path: string;
}

/** One path for all nodes that look alike. */
function pathsOf(
  nodes: readonly DrawnAs[],
  drawing: Drawing,
  board: Board,
  marks: Keyed<Mark>,
): Drawn[] {
  const alike = new Map<string, Drawn>();
  for (const { id, position, width = 0, height = 0 } of nodes) {
    const mark = marks.get(id);
    const tone = toneOf(drawing, board, id);
    const look = { tone, dim: mark?.dim ?? false, selected: mark?.selected ?? false };
    const key = JSON.stringify(look);
    const found = alike.get(key) ?? { ...look, path: "" };
    found.path += `M${position.x} ${position.y}h${width}v${height}h${-width}z`;
    alike.set(key, found);
  }
  return [...alike.values()];
}

function toneOf(drawing: Drawing, board: Board, id: string): string {
  const members = drawing.at.get(id)?.group?.members;
  const counts = members && countsOf(board, members);
  const state =
    board.get(id)?.state ?? (counts && Object.keys(counts).length > 0 ? worst(counts) : undefined);
  return state === undefined ? "none" : lookOf(state).tone;
}

function boundsOf(nodes: readonly DrawnAs[]): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { position, width = 0, height = 0 } of nodes) {
    left = Math.min(left, position.x);
    top = Math.min(top, position.y);
    right = Math.max(right, position.x + width);
    bottom = Math.max(bottom, position.y + height);
  }
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The smallest box of the map's own shape around two others, with some air. */
function around(a: Box, b: Box): Box {
  const left = Math.min(a.x, b.x);
  const top = Math.min(a.y, b.y);
  const wide = Math.max(a.x + a.width, b.x + b.width) - left;
  const tall = Math.max(a.y + a.height, b.y + b.height) - top;
  const scale = Math.max(wide / SIZE.width, tall / SIZE.height) * 1.06;
  const [width, height] = [SIZE.width * scale, SIZE.height * scale];
  return { x: left - (width - wide) / 2, y: top - (height - tall) / 2, width, height };
}

function Sketch({ all, paths }: { all: Box; paths: readonly Drawn[] }): JSX.Element {
  const flow = useReactFlow();
  const [x, y, zoom] = useStore((state) => state.transform);
  const [width, height] = [useStore((state) => state.width), useStore((state) => state.height)];
  const sight = { x: -x / zoom, y: -y / zoom, width: width / zoom, height: height / zoom };
  const box = around(all, sight);
  // While it is dragged the map stands still, else it would run from under the pointer.
  const [held, setHeld] = useState<Box | null>(null);
  const shown = held ?? box;
  const go = (event: PointerEvent<SVGSVGElement>): void => {
    const at = event.currentTarget.getBoundingClientRect();
    void flow.setCenter(
      shown.x + ((event.clientX - at.left) / at.width) * shown.width,
      shown.y + ((event.clientY - at.top) / at.height) * shown.height,
      { zoom },
    );
  };
  return (
    <svg
      className={styles.minimap}
      width={SIZE.width}
      height={SIZE.height}
      viewBox={`${shown.x} ${shown.y} ${shown.width} ${shown.height}`}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setHeld(box);
        go(event);
      }}
      onPointerMove={(event) => held && go(event)}
      onPointerUp={() => setHeld(null)}
      onPointerCancel={() => setHeld(null)}
      onWheel={(event) => void flow.zoomTo(zoom * Math.exp(-event.deltaY / 300))}
    >
      {paths.map(({ tone, dim, selected, path }) => (
        <path
          key={`${tone}${dim}${selected}`}
          className={styles.mini}
          data-tone={tone}
          data-dim={dim}
          data-selected={selected}
          d={path}
        />
      ))}
      <path
        className={styles.veil}
        fillRule="evenodd"
        d={`M${shown.x} ${shown.y}h${shown.width}v${shown.height}h${-shown.width}zM${sight.x} ${sight.y}h${sight.width}v${sight.height}h${-sight.width}z`}
      />
    </svg>
  );
}

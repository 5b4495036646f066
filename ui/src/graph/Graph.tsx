/** A directed graph one can read, search, fold and walk through with the keyboard. */

import "@xyflow/react/dist/base.css";

import {
  memo,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type JSX,
  type KeyboardEvent,
} from "react";
import {
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStoreApi,
  type ReactFlowInstance,
} from "@xyflow/react";

import type { Board } from "./board";
import {
  drawingOf,
  hitsOf,
  marksOf,
  nodesWith,
  sameMark,
  type Drawing,
  type Mark,
} from "./drawing";
import { Edges } from "./Edges";
import { GraphCard } from "./GraphCard";
import { GraphList } from "./GraphList";
import { GraphTools } from "./GraphTools";
import { groupNameOf, isGroupKey, type DrawnNode } from "./grouping";
import { Keyed } from "./keyed";
import { useLayout } from "./layout";
import { MiniMap } from "./MiniMap";
import { GraphIndex, type GraphData, type Positions } from "./model";
import { inOrder, step } from "./navigate";
import { hitAt } from "./search";
import { useStable } from "./stable";
import { AroundContext, GroupNode, TaskNode, type Around, type DrawnAs } from "./nodes";
import { isBroken, lookOf } from "./states";
import type { ChangeView, GraphView } from "./view";
import styles from "./Graph.module.css";

export interface GraphProps {
  data: GraphData;
  board: Board;
  view: GraphView;
  onView: ChangeView;
  /** Called with the key of a task that is opened (Enter, double click). */
  onOpen: (key: string) => void;
  /** Names the drawing to screen readers: "Graph of nightly". */
  label: string;
  critical?: readonly string[];
  /** A page's own filter: what is not in it is dimmed. */
  only?: ReadonlySet<string> | null;
  /** The page has a search of its own, so the tools show none. */
  searched?: boolean;
}

const NODE_TYPES = { task: TaskNode, fold: GroupNode };
const NONE: readonly string[] = [];
const KEYS =
  "Arrow keys move along the edges, Enter opens, f shows what is next to it, plus and minus zoom, 0 shows all.";
/** The page leads nowhere outside; the library is named in the documentation. */
const BARE = { hideAttribution: true };
/** Edges are drawn apart. A node without a word on handles is drawn once wherever it is, to find them. */
const NO_HANDLES: [] = [];
/** Further out, names are not legible, so the drawing begins at what matters instead. */
const LEGIBLE = 0.3;
/** On a narrow screen a drawing this small is a thread; its middle is shown instead. */
const SLIM = { width: 600, legible: 0.5 };

export function Graph(props: GraphProps): JSX.Element {
  return (
    <ReactFlowProvider>
      <GraphInside {...props} />
    </ReactFlowProvider>
  );
}

function GraphInside(props: GraphProps): JSX.Element {
  const { data, board, view, onView, onOpen, label, critical = NONE, only = null } = props;
  const whole = useMemo(
    () =>
      new GraphIndex(
        data.nodes.map((node) => node.key),
        data.edges,
      ),
    [data],
  );
  const { by, open, focus } = view;
  const drawing = useMemo(
    () => drawingOf(data, whole, { by, open, focus }),
    [data, whole, by, open, focus],
  );
  const hits = useMemo(() => hitsOf(data, view.search, only), [data, view.search, only]);
  const path = view.critical ? critical : NONE;
  const unfold = useStable((key: string): void => {
    const name = drawing.groups.get(key)?.name;
    if (name !== undefined) onView({ by: drawing.by, open: [...view.open, name] });
  });
  const around = useAroundOf(drawing, hits, view, path, board, unfold);
  const act = useStable((key: string): void => (isGroupKey(key) ? unfold(key) : onOpen(key)));
  return (
    <section className={styles.frame} aria-label={label}>
      <GraphTools
        {...{ drawing, view, onView, hits, searched: props.searched, hasPath: critical.length > 0 }}
      />
      {view.list ? (
        <GraphList {...{ drawing, board, hits, view, onView, act, critical: path, label }} />
      ) : (
        <AroundContext value={around}>
          <Canvas {...{ data, drawing, board, view, onView, act, hits, label, critical: path }} />
        </AroundContext>
      )}
    </section>
  );
}

/** What nodes look at; the same object for as long as the drawing's owner lives. */
function useAroundOf(
  drawing: Drawing,
  hits: ReadonlySet<string> | null,
  view: GraphView,
  path: readonly string[],
  board: Board,
  unfold: (key: string) => void,
): Around {
  const [marks] = useState(() => new Keyed<Mark>(sameMark));
  useLayoutEffect(() => {
    marks.set(marksOf(drawing, hits, view.selected, new Set(path)));
  });
  return useMemo(() => ({ board, marks, unfold }), [board, marks, unfold]);
}

interface CanvasProps {
  data: GraphData;
  drawing: Drawing;
  board: Board;
  view: GraphView;
  onView: ChangeView;
  act: (key: string) => void;
  hits: ReadonlySet<string> | null;
  label: string;
  critical: readonly string[];
}

const Canvas = memo(function Canvas(props: CanvasProps): JSX.Element {
  const { data, drawing, board, view, onView, act, hits, label, critical } = props;
  const { positions, pending } = useLayout({
    nodes: drawing.sizes,
    edges: drawing.pairs,
    known: drawing.whole ? data.layout : null,
    hash: drawing.whole ? data.hash : null,
  });
  const id = useId();
  const nodes = useMemo(
    () => (pending ? [] : drawnAs(drawing, positions, id)),
    [drawing, positions, pending, id],
  );
  const chosen =
    view.selected === null ? null : (drawing.standIn.get(view.selected) ?? view.selected);
  const current = nodes.find((node) => node.id === chosen);
  const flow = useReactFlow<DrawnAs>();
  const [far, setFar] = useState(false);
  const found = useMemo(
    () =>
      hits === null
        ? NONE
        : inOrder(
            nodesWith(drawing, hits).map((node) => node.key),
            positions,
          ),
    [drawing, hits, positions],
  );
  useView(flow, nodes, board, chosen ?? found[0] ?? null, view);
  useFound(flow, nodes, found, view, onView);
  // The same functions each time: else a change of one state would draw every node again.
  const click = useStable((_: unknown, node: DrawnAs) =>
    onView({ selected: node.id === chosen ? null : node.id }),
  );
  const doubleClick = useStable((_: unknown, node: DrawnAs) => act(node.id));
  const unselect = useStable(() => onView({ selected: null }));
  const seen = useStable(({ zoom }: { zoom: number }) => setFar(zoom < LEGIBLE));
  const press = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey)
      return;
    const done = pressed(event.key);
    if (!done) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const pressed = (key: string): boolean => {
    if (key.startsWith("Arrow")) {
      const next = step(drawing.index, positions, current ? chosen : null, key);
      onView({ selected: next });
      show(
        flow,
        nodes.find((node) => node.id === next),
      );
    } else if (key === "Enter" && chosen !== null) act(chosen);
    else if (key === "Escape") onView({ selected: null, focus: null });
    else if (key === "f" && chosen !== null && !isGroupKey(chosen))
      onView({ focus: { key: chosen, up: 1, down: 1 } });
    else if (key === "+" || key === "=") void flow.zoomIn();
    else if (key === "-") void flow.zoomOut();
    else if (key === "0") void flow.fitView({ padding: 0.08, maxZoom: 1 });
    else return false;
    return true;
  };
  return (
    <div className={styles.stage}>
      <div className={styles.canvas} data-far={far}>
        <ReactFlow<DrawnAs>
          tabIndex={0}
          aria-label={`${label}. ${KEYS}`}
          aria-activedescendant={current?.data.id}
          aria-busy={pending}
          onKeyDown={press}
          nodes={nodes}
          nodeTypes={NODE_TYPES}
          onNodeClick={click}
          onNodeDoubleClick={doubleClick}
          onPaneClick={unselect}
          onViewportChange={seen}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          disableKeyboardA11y
          deleteKeyCode={null}
          selectionKeyCode={null}
          multiSelectionKeyCode={null}
          zoomOnDoubleClick={false}
          panActivationKeyCode={null}
          zoomActivationKeyCode={null}
          minZoom={0.04}
          maxZoom={2}
          onlyRenderVisibleElements
          proOptions={BARE}
        >
          <Edges {...{ drawing, positions, hits, selected: view.selected, critical }} />
          {nodes.length > 8 && <MiniMap {...{ nodes, drawing }} />}
        </ReactFlow>
        {pending && (
          <p className={styles.pending}>Arranging {drawing.nodes.length.toLocaleString()} nodes…</p>
        )}
      </div>
      <p className="unseen" aria-live="polite">
        {chosen !== null && said(drawing, board, chosen)}
      </p>
      {chosen !== null && drawing.at.has(chosen) && (
        <GraphCard key={chosen} {...{ data, drawing, board, chosen, view, onView, act }} />
      )}
    </div>
  );
});

function drawnAs(drawing: Drawing, positions: Positions, id: string): DrawnAs[] {
  return drawing.nodes.map((drawn, i): DrawnAs => {
    const { width, height } = drawing.sizes[i] ?? { width: 0, height: 0 };
    const [x, y] = positions[drawn.key] ?? [0, 0];
    return {
      id: drawn.key,
      type: drawn.group ? "fold" : "task",
      position: { x: x - width / 2, y: y - height / 2 },
      width,
      height,
      // Else only those that were in sight once are counted where all are to be shown.
      measured: { width, height },
      handles: NO_HANDLES,
      data: { drawn, id: `${id}-${i}` },
    };
  });
}

function said({ index, at }: Drawing, board: Board, key: string): string {
  const node: DrawnNode | undefined = at.get(key);
  if (!node) return "";
  const state = board.get(key)?.state;
  const words = [node.group ? `Group ${node.name}, ${node.group.members.length} tasks` : node.name];
  if (state !== undefined) words.push(lookOf(state).word);
  words.push(
    `${index.upstream(key).length} upstream`,
    `${index.downstream(key).length} downstream`,
  );
  return words.join(", ");
}

/** Bring a node into sight, at a size at which it can be read. */
function show(flow: ReactFlowInstance<DrawnAs>, node: DrawnAs | undefined): void {
  if (!node) return;
  const centre = [
    node.position.x + (node.width ?? 0) / 2,
    node.position.y + (node.height ?? 0) / 2,
  ] as const;
  void flow.setCenter(centre[0], centre[1], { zoom: Math.max(flow.getZoom(), 0.6), duration: 150 });
}

/** Where to look when a drawing appears or changes: all of it, or what matters if that is too small to read. */
function useView(
  flow: ReactFlowInstance<DrawnAs>,
  nodes: readonly DrawnAs[],
  board: Board,
  chosen: string | null,
  view: GraphView,
): void {
  const store = useStoreApi();
  const opened = useRef(view.open);
  const first = useRef(true);
  useEffect(() => {
    if (nodes.length === 0) return;
    const added = view.open.filter((name) => !opened.current.includes(name));
    opened.current = view.open;
    const unfolded = added.length > 0 ? nodes.filter((node) => inGroups(node, added, view)) : [];
    if (unfolded.length > 0) {
      void flow.fitView({
        nodes: [...unfolded],
        padding: 0.2,
        minZoom: LEGIBLE,
        maxZoom: 1,
        duration: 200,
      });
      return;
    }
    const linked = first.current ? nodes.find((node) => node.id === chosen) : undefined;
    first.current = false;
    const { width, height } = store.getState();
    // Decided before anything is shown: to show a thousand nodes only to leave them costs a second.
    const legible = width < SLIM.width ? SLIM.legible : LEGIBLE;
    if (zoomToFit(nodes, width, height) >= legible)
      void flow.fitView({ padding: 0.08, maxZoom: 1 });
    else show(flow, linked ?? interesting(nodes, board));
    // Only a new drawing moves the view; a selection alone leaves it where it is.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [nodes, flow, store]);
}

/** Goes to what is found: to the first unless one is in sight, and with each Enter to the next. */
function useFound(
  flow: ReactFlowInstance<DrawnAs>,
  nodes: readonly DrawnAs[],
  found: readonly string[],
  { search, hit }: GraphView,
  onView: ChangeView,
): void {
  const store = useStoreApi();
  const sought = useRef({ search, hit });
  useEffect(() => {
    const before = sought.current;
    sought.current = { search, hit };
    if (found.length === 0 || (before.search === search && before.hit === hit)) return;
    const key = hitAt(found, hit);
    const nodeOf = (each: string): DrawnAs | undefined => nodes.find(({ id }) => id === each);
    if (hit !== 0 && key !== undefined) {
      onView({ selected: key });
      show(flow, nodeOf(key));
    } else if (search !== "") {
      const { transform, width, height } = store.getState();
      const wanted = new Set(found);
      const seen = nodes.some(
        (node) => wanted.has(node.id) && inSight(node, transform, width, height),
      );
      if (!seen) show(flow, nodeOf(found[0] ?? ""));
    }
  }, [flow, store, nodes, found, search, hit, onView]);
}

/** Whether one can read a node where the drawing stands. */
function inSight(
  node: DrawnAs,
  [left, top, zoom]: readonly [number, number, number],
  width: number,
  height: number,
): boolean {
  const x = left + zoom * (node.position.x + (node.width ?? 0) / 2);
  const y = top + zoom * (node.position.y + (node.height ?? 0) / 2);
  return zoom >= LEGIBLE && x > 0 && x < width && y > 0 && y < height;
}

function zoomToFit(nodes: readonly DrawnAs[], width: number, height: number): number {
  const right = nodes.map((node) => node.position.x + (node.width ?? 0));
  const bottom = nodes.map((node) => node.position.y + (node.height ?? 0));
  const across = Math.max(...right) - Math.min(...nodes.map((node) => node.position.x));
  const tall = Math.max(...bottom) - Math.min(...nodes.map((node) => node.position.y));
  return Math.min(width / across, height / tall);
}

function inGroups(node: DrawnAs, names: readonly string[], { by }: GraphView): boolean {
  const of = node.data.drawn.node;
  return of !== null && by !== null && names.includes(groupNameOf(of, by));
}

function interesting(nodes: readonly DrawnAs[], board: Board): DrawnAs | undefined {
  const at = (wanted: (state: string) => boolean): DrawnAs | undefined =>
    nodes.find((node) => wanted(board.get(node.id)?.state ?? ""));
  return at(isBroken) ?? at((state) => state === "Running") ?? nodes[0];
}

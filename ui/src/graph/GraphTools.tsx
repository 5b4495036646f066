/** The row above a graph: folding, focus, the critical path, zoom, and the list in its place. */

import { useReactFlow } from "@xyflow/react";
import type { JSX } from "react";

import { Button } from "../parts/Button";
import type { Drawing } from "./drawing";
import { GROUPINGS, type GroupBy } from "./grouping";
import { GO_ON, nextHit } from "./search";
import type { ChangeView, GraphView } from "./view";
import styles from "./Graph.module.css";

interface Props {
  drawing: Drawing;
  view: GraphView;
  onView: ChangeView;
  hits: ReadonlySet<string> | null;
  searched?: boolean;
  hasPath: boolean;
}

const WORDS: Record<GroupBy, string> = {
  none: "Nothing",
  folder: "Folder",
  layer: "Layer",
  tag: "Tag",
  kind: "Kind",
};

export function GraphTools({ drawing, view, onView, hits, searched, hasPath }: Props): JSX.Element {
  const flow = useReactFlow();
  const open = drawing.by !== "none" && view.open.length > 0;
  return (
    <div className={styles.tools} role="toolbar" aria-label="Graph">
      {!searched && (
        <input
          type="search"
          className={styles.search}
          placeholder="Find…"
          aria-label="Find in the graph"
          value={view.search}
          title={GO_ON}
          onChange={(event) => onView({ search: event.target.value, hit: 0 })}
          onKeyDown={(event) => {
            if (event.key === "Enter") onView({ hit: nextHit(view.hit, event.shiftKey ? -1 : 1) });
          }}
        />
      )}
      {hits && (
        <span className={styles.found} role="status">
          {hits.size.toLocaleString()} found
        </span>
      )}
      <label className={styles.choice}>
        Group by
        <select
          value={drawing.by}
          onChange={(event) => onView({ by: event.target.value as GroupBy, open: [] })}
        >
          {GROUPINGS.map((by) => (
            <option key={by} value={by}>
              {WORDS[by]}
            </option>
          ))}
        </select>
      </label>
      {open && (
        <Button kind="quiet" onClick={() => onView({ open: [] })}>
          Fold all
        </Button>
      )}
      {hasPath && (
        <label className={styles.choice}>
          <input
            type="checkbox"
            checked={view.critical}
            onChange={(event) => onView({ critical: event.target.checked })}
          />
          Critical path
        </label>
      )}
      {view.focus && (
        <FocusTools view={view} onView={onView} name={drawing.at.get(view.focus.key)?.name ?? ""} />
      )}
      <span className={styles.space} />
      <label className={styles.choice}>
        <input
          type="checkbox"
          checked={view.list}
          onChange={(event) => onView({ list: event.target.checked })}
        />
        As a list
      </label>
      {!view.list && (
        <span className={styles.zoom}>
          <Button
            kind="quiet"
            icon="minus"
            bare
            onClick={() => void flow.zoomOut({ duration: 120 })}
          >
            Zoom out
          </Button>
          <Button kind="quiet" icon="plus" bare onClick={() => void flow.zoomIn({ duration: 120 })}>
            Zoom in
          </Button>
          <Button
            kind="quiet"
            icon="fit"
            bare
            onClick={() => void flow.fitView({ padding: 0.08, maxZoom: 1, duration: 150 })}
          >
            Show all
          </Button>
        </span>
      )}
    </div>
  );
}

const HOPS: readonly (number | null)[] = [0, 1, 2, 3, 5, null];
const hopText = (hops: number | null): string => (hops === null ? "all" : String(hops));

function FocusTools({
  view,
  onView,
  name,
}: {
  view: GraphView;
  onView: ChangeView;
  name: string;
}): JSX.Element | null {
  const { focus } = view;
  if (!focus) return null;
  const choose = (side: "up" | "down") => (
    <label className={styles.choice}>
      {side === "up" ? "Up" : "Down"}
      <select
        value={hopText(focus[side])}
        onChange={({ target }) =>
          onView({
            focus: { ...focus, [side]: target.value === "all" ? null : Number(target.value) },
          })
        }
      >
        {HOPS.map((hops) => (
          <option key={hopText(hops)}>{hopText(hops)}</option>
        ))}
      </select>
    </label>
  );
  return (
    <span className={styles.focus}>
      <span className={styles.focused} title={name}>
        Around <bdi>{name}</bdi>
      </span>
      {choose("up")}
      {choose("down")}
      <Button kind="quiet" icon="close" bare onClick={() => onView({ focus: null })}>
        End focus
      </Button>
    </span>
  );
}

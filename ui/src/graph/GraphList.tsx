/** The same graph as a list: for screen readers, and for whoever would rather read. */

import { useRef, type JSX } from "react";
import { useVirtualizer } from "@tanstack/react-virtual";

import { useCounts, type Board } from "./board";
import { nodesWith, type Drawing } from "./drawing";
import type { DrawnNode } from "./grouping";
import { useKeyed } from "./keyed";
import { worst } from "./states";
import { Standing } from "./Standing";
import type { ChangeView, GraphView } from "./view";
import styles from "./GraphList.module.css";

interface Props {
  drawing: Drawing;
  board: Board;
  hits: ReadonlySet<string> | null;
  view: GraphView;
  onView: ChangeView;
  act: (key: string) => void;
  critical: readonly string[];
  label: string;
}

const NOBODY: readonly string[] = [];

export function GraphList({ drawing, board, hits, act, critical, label }: Props): JSX.Element {
  const shown = nodesWith(drawing, hits);
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => 64,
    overscan: 12,
  });
  const path = new Set(critical);
  if (shown.length === 0) return <p className={styles.none}>Nothing is found.</p>;
  return (
    <div
      ref={box}
      className={styles.box}
      tabIndex={0}
      role="group"
      aria-label={`${label}, as a list`}
    >
      <ul style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map(({ index, start, key }) => {
          const node = shown[index];
          return (
            node && (
              <li
                key={key}
                ref={rows.measureElement}
                data-index={index}
                aria-setsize={shown.length}
                aria-posinset={index + 1}
                style={{ transform: `translateY(${start}px)` }}
              >
                <Item {...{ node, drawing, board, act, critical: path.has(node.key) }} />
              </li>
            )
          );
        })}
      </ul>
    </div>
  );
}

interface ItemProps {
  node: DrawnNode;
  drawing: Drawing;
  board: Board;
  act: (key: string) => void;
  critical: boolean;
}

function Item({ node, drawing, board, act, critical }: ItemProps): JSX.Element {
  const standing = useKeyed(board, node.key);
  const counts = useCounts(board, node.group?.members ?? NOBODY);
  const state = node.group
    ? Object.keys(counts).length > 0
      ? worst(counts)
      : undefined
    : standing?.state;
  const named = (keys: readonly string[]): string =>
    keys
      .slice(0, 8)
      .map((key) => drawing.at.get(key)?.name ?? key)
      .join(", ") + (keys.length > 8 ? ` and ${keys.length - 8} more` : "");
  const up = drawing.index.upstream(node.key);
  const down = drawing.index.downstream(node.key);
  return (
    <>
      <span className={styles.state}>{state !== undefined && <Standing state={state} bare />}</span>
      <span className={styles.words}>
        <button type="button" onClick={() => act(node.key)}>
          <bdi>{node.name}</bdi>
        </button>
        <span className={styles.meta}>
          {node.group
            ? `${node.group.members.length} tasks, folded`
            : [node.node?.resource_type, node.node?.layer, standing?.note]
                .filter(Boolean)
                .join(" · ")}
          {critical && " · on the critical path"}
        </span>
        <span className={styles.meta}>
          {up.length > 0 ? `after ${named(up)}` : "waits for nothing"}
          {down.length > 0 && ` · before ${named(down)}`}
        </span>
      </span>
    </>
  );
}

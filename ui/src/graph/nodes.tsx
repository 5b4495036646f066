/** One task, and one folded group, as they are drawn; each listens to its own state alone. */

import { createContext, memo, useContext, useMemo, type JSX } from "react";
import type { Node, NodeProps } from "@xyflow/react";

import { Icon } from "../parts/icons";
import { useCounts, type Board } from "./board";
import type { Mark } from "./drawing";
import type { DrawnNode } from "./grouping";
import { useKeyed, type Keyed } from "./keyed";
import { lookOf, weighed, worst, type Counts } from "./states";
import styles from "./Graph.module.css";

export interface Around {
  board: Board;
  marks: Keyed<Mark>;
  unfold: (key: string) => void;
}

/** What every node of a drawing may look at; it never changes while the drawing stands. */
export const AroundContext = createContext<Around | null>(null);

export function useAround(): Around {
  const around = useContext(AroundContext);
  if (!around) throw new Error("a node is drawn outside a graph");
  return around;
}

export type DrawnAs = Node<{ drawn: DrawnNode; id: string }, "task" | "fold">;

const flags = (mark: Mark | undefined) => ({
  "data-dim": mark?.dim ?? false,
  "data-selected": mark?.selected ?? false,
  "data-critical": mark?.critical ?? false,
});

function metaOf({ node }: DrawnNode): string {
  const said = [node?.resource_type, node?.layer ?? node?.folder];
  return [...new Set(said.filter(Boolean))].join(" · ");
}

export const TaskNode = memo(function TaskNode({ data }: NodeProps<DrawnAs>): JSX.Element {
  const { board, marks } = useAround();
  const standing = useKeyed(board, data.drawn.key);
  const mark = useKeyed(marks, data.drawn.key);
  const state = standing?.state;
  const look = state === undefined ? null : lookOf(state);
  const done = standing?.counts && elements(standing.counts);
  return (
    <div
      id={data.id}
      className={styles.node}
      data-tone={look?.tone ?? "none"}
      {...flags(mark)}
      role="img"
      aria-label={`${data.drawn.name}${look ? `, ${look.word}` : ""}`}
      title={data.drawn.name}
    >
      {look && (
        <span className={styles.mark}>
          <Icon name={look.tone} size={14} />
        </span>
      )}
      <span className={styles.words}>
        <bdi className={styles.name}>{data.drawn.name}</bdi>
        <span className={styles.meta}>
          <span className={styles.kind}>{metaOf(data.drawn)}</span>
          <span className={styles.note}>{done ?? standing?.note}</span>
        </span>
      </span>
    </div>
  );
});

function elements(counts: Counts): string {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const done = (counts["Success"] ?? 0) + (counts["Cached"] ?? 0);
  return `${done.toLocaleString()}/${all.toLocaleString()}`;
}

const NOBODY: readonly string[] = [];

export const GroupNode = memo(function GroupNode({ data }: NodeProps<DrawnAs>): JSX.Element {
  const { board, marks, unfold } = useAround();
  const members = data.drawn.group?.members ?? NOBODY;
  const counts = useCounts(board, members);
  const mark = useKeyed(marks, data.drawn.key);
  const known = useMemo(() => weighed(counts), [counts]);
  const worstLook = known.length > 0 ? lookOf(worst(counts)) : null;
  const said = known
    .map(([state, count]) => `${count} ${lookOf(state).word.toLowerCase()}`)
    .join(", ");
  return (
    <div
      id={data.id}
      className={styles.group}
      data-tone={worstLook?.tone ?? "none"}
      {...flags(mark)}
      role="group"
      aria-label={`Group ${data.drawn.name}, ${members.length} tasks${said ? `: ${said}` : ""}`}
      title={`${data.drawn.name}: ${said || `${members.length} tasks`}`}
    >
      {worstLook && (
        <span className={styles.mark}>
          <Icon name={worstLook.tone} size={14} />
        </span>
      )}
      <span className={styles.words}>
        <bdi className={styles.name}>{data.drawn.name}</bdi>
        <span className={styles.meta}>
          {mark?.hits != null
            ? `${mark.hits} of ${members.length} found`
            : `${members.length.toLocaleString()} tasks${troubled(known)}`}
        </span>
        <CountBar counts={known} />
      </span>
      <button
        type="button"
        tabIndex={-1}
        className={`${styles.unfold} nodrag nopan`}
        aria-label={`Unfold ${data.drawn.name}`}
        onClick={() => unfold(data.drawn.key)}
      >
        <Icon name="plus" size={14} />
      </button>
    </div>
  );
});

/** How many of a group broke or are under way, which its colour alone does not tell. */
function troubled(known: readonly [string, number][]): string {
  const [state, count] =
    known.find(([each]) => /failed|running|retrying/.test(lookOf(each).tone)) ?? [];
  return state === undefined ? "" : ` · ${count} ${lookOf(state).word.toLowerCase()}`;
}

/** Counts by state as a bar, and the ones that matter as numbers beside it. */
export function CountBar({ counts }: { counts: readonly [string, number][] }): JSX.Element {
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  return (
    <span className={styles.bar}>
      {counts.map(([state, count]) => (
        <span
          key={state}
          data-tone={lookOf(state).tone}
          style={{ flexGrow: count / Math.max(1, all) }}
        />
      ))}
    </span>
  );
}

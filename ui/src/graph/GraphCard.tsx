/** What is selected: where it stands, what it hangs on and why, and what can be done from here. */

import { useMemo, type JSX } from "react";

import { Button } from "../parts/Button";
import { useCounts, type Board } from "./board";
import type { Drawing } from "./drawing";
import { useKeyed } from "./keyed";
import { shownName, type GraphData, type GraphEdge } from "./model";
import { lookOf, weighed } from "./states";
import { Standing } from "./Standing";
import type { ChangeView, GraphView } from "./view";
import styles from "./GraphCard.module.css";

interface Props {
  data: GraphData;
  drawing: Drawing;
  board: Board;
  chosen: string;
  view: GraphView;
  onView: ChangeView;
  act: (key: string) => void;
}

export function GraphCard(props: Props): JSX.Element | null {
  const { drawing, chosen, onView, act } = props;
  const drawn = drawing.at.get(chosen);
  if (!drawn) return null;
  return (
    <aside className={styles.card} aria-label={`Selected: ${drawn.name}`}>
      <header className={styles.head}>
        <h2>
          <bdi>{drawn.name}</bdi>
        </h2>
        <Button kind="quiet" icon="close" bare onClick={() => onView({ selected: null })}>
          Unselect
        </Button>
      </header>
      {drawn.group ? <GroupFacts {...props} /> : <TaskFacts {...props} />}
      <div className={styles.actions}>
        <Button kind="main" onClick={() => act(chosen)}>
          {drawn.group ? "Unfold" : "Open"}
        </Button>
        {drawn.node && (
          <Button onClick={() => onView({ focus: { key: chosen, up: 1, down: 1 } })}>
            Neighbours
          </Button>
        )}
      </div>
    </aside>
  );
}

function GroupFacts({ drawing, chosen, board }: Props): JSX.Element {
  const members = drawing.at.get(chosen)?.group?.members ?? [];
  const counts = useCounts(board, members);
  return (
    <ul className={styles.counts}>
      {weighed(counts).map(([state, count]) => (
        <li key={state}>
          <Standing state={state} /> {count.toLocaleString()}
        </li>
      ))}
      {weighed(counts).length === 0 && <li>{members.length.toLocaleString()} tasks</li>}
    </ul>
  );
}

function TaskFacts({ data, drawing, chosen, board, onView }: Props): JSX.Element {
  const node = drawing.at.get(chosen)?.node;
  const standing = useKeyed(board, chosen);
  const sides = useMemo(
    () => ({
      up: data.edges.filter((edge) => edge.downstream === chosen),
      down: data.edges.filter((edge) => edge.upstream === chosen),
    }),
    [data, chosen],
  );
  const names = useMemo(
    () => new Map(data.nodes.map((each) => [each.key, shownName(each.name, each.key)])),
    [data],
  );
  const go = (key: string): void => onView({ selected: key });
  const facts = [node?.resource_type, node?.layer, node?.path ?? node?.folder].filter(Boolean);
  return (
    <>
      <p className={styles.facts}>
        {standing && <Standing state={standing.state} />} {standing?.note}
        <span className={styles.where}>{facts.join(" · ")}</span>
      </p>
      {standing?.counts && (
        <ul className={styles.counts}>
          {weighed(standing.counts).map(([state, count]) => (
            <li key={state}>
              {lookOf(state).word} {count.toLocaleString()}
            </li>
          ))}
        </ul>
      )}
      <Side title="After" edges={sides.up} end="upstream" names={names} go={go} />
      <Side title="Before" edges={sides.down} end="downstream" names={names} go={go} />
    </>
  );
}

const SHOWN = 12;

interface SideProps {
  title: string;
  edges: readonly GraphEdge[];
  end: "upstream" | "downstream";
  names: ReadonlyMap<string, string>;
  go: (key: string) => void;
}

function Side({ title, edges, end, names, go }: SideProps): JSX.Element | null {
  if (edges.length === 0) return null;
  return (
    <section className={styles.side}>
      <h3>{title}</h3>
      <ul>
        {edges.slice(0, SHOWN).map((edge, i) => (
          <li key={i}>
            <button type="button" onClick={() => go(edge[end])}>
              <bdi>{names.get(edge[end]) ?? edge[end]}</bdi>
            </button>
            <Why edge={edge} />
          </li>
        ))}
      </ul>
      {edges.length > SHOWN && <p className={styles.more}>and {edges.length - SHOWN} more</p>}
    </section>
  );
}

/** The evidence of an edge; the dataset alone where nothing more is known. */
function Why({ edge }: { edge: GraphEdge }): JSX.Element | null {
  const first = edge.evidence?.[0];
  const text = first?.text ?? edge.dataset;
  if (!text) return null;
  const place = first?.file ? `${first.file}${first.line ? `:${first.line}` : ""}` : null;
  return (
    <p className={styles.why} title={place ?? undefined}>
      {text}
    </p>
  );
}

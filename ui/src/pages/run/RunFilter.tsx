/** Search and states, for graph, timeline and table alike. */

import { useEffect, useRef, useState, type JSX } from "react";

import { Button } from "../../parts/Button";
import { lookOf, weighed, type Counts } from "../../graph/states";
import { Standing } from "../../graph/Standing";
import { GO_ON, nextHit } from "../../graph/search";
import { GROUPINGS, type GroupBy } from "../../graph/grouping";
import type { RunView } from "./address";
import type { ChangeRunView } from "./useRunView";
import styles from "./RunPage.module.css";

interface Props {
  view: RunView;
  onView: ChangeRunView;
  counts: Counts;
  /** What the rows are grouped by now, whether chosen or not. */
  by: GroupBy;
}

const BY: Record<GroupBy, string> = {
  none: "Nothing",
  folder: "Folder",
  layer: "Layer",
  tag: "Tag",
  kind: "Kind",
};
const PAUSE = 120;

export function RunFilter({ view, onView, counts, by }: Props): JSX.Element {
  const chosen = new Set(view.states);
  const toggle = (state: string): void =>
    onView({
      states: chosen.has(state)
        ? view.states.filter((each) => each !== state)
        : [...view.states, state],
    });
  return (
    <div className={styles.filter} role="search" aria-label="Tasks">
      <SearchField
        value={view.search}
        onChange={(search) => onView({ search, hit: 0 })}
        onGo={(search, by) =>
          onView({ search, hit: search === view.search ? nextHit(view.hit, by) : by })
        }
        title={view.view === "graph" ? GO_ON : undefined}
      />
      <span className={styles.states} role="group" aria-label="States">
        {weighed({
          ...Object.fromEntries(view.states.map((state) => [state, 0.1])),
          ...counts,
        }).map(([state, count]) => (
          <button
            key={state}
            type="button"
            className={styles.state}
            aria-pressed={chosen.has(state)}
            data-faded={chosen.size > 0 && !chosen.has(state)}
            onClick={() => toggle(state)}
            title={`Only ${lookOf(state).word.toLowerCase()}`}
          >
            <Standing state={state} />
            <span>{Math.floor(count).toLocaleString()}</span>
          </button>
        ))}
      </span>
      {(view.states.length > 0 || view.search !== "") && (
        <Button
          kind="quiet"
          icon="close"
          onClick={() => onView({ states: [], search: "", hit: 0 })}
        >
          Show all
        </Button>
      )}
      {(view.view === "timeline" || view.view === "tasks") && (
        <label className={styles.by}>
          Group by
          <select
            value={by}
            onChange={(event) => onView({ by: event.target.value as GroupBy, open: [] })}
          >
            {GROUPINGS.map((each) => (
              <option key={each} value={each}>
                {BY[each]}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}

/** What is typed is searched for once the fingers rest. */
function SearchField({
  value,
  onChange,
  onGo,
  title,
}: {
  value: string;
  onChange: (text: string) => void;
  /** Enter: on to the next, or with Shift back. */
  onGo: (text: string, by: 1 | -1) => void;
  title?: string;
}): JSX.Element {
  const [text, setText] = useState(value);
  const [seen, setSeen] = useState(value);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  if (seen !== value) {
    setSeen(value);
    setText(value);
  }
  return (
    <input
      type="search"
      className={styles.search}
      placeholder="Find tasks…"
      aria-label="Find tasks"
      title={title}
      value={text}
      onKeyDown={(event) => {
        if (event.key !== "Enter") return;
        window.clearTimeout(timer.current);
        onGo(text, event.shiftKey ? -1 : 1);
      }}
      onChange={(event) => {
        const next = event.target.value;
        setText(next);
        window.clearTimeout(timer.current);
        timer.current = window.setTimeout(() => onChange(next), PAUSE);
      }}
    />
  );
}

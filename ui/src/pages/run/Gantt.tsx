/** The timeline of a run: one row a task, its waits, attempts and running drawn over local time. */

import {
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type JSX,
  type KeyboardEvent,
  type PointerEvent,
} from "react";

import type { Span } from "../../api/types";
import { lookOf } from "../../graph/states";
import { Button } from "../../parts/Button";
import { useNow } from "../../parts/clock";
import { durationText, localText } from "../../parts/formats";
import { useNarrow } from "../../parts/narrow";
import { Rows, type RowsView } from "./Rows";
import type { Row } from "./rows";
import { isWhole, moved, share, ticks, zoomed, type Range } from "./scale";
import { extent } from "./spans";
import styles from "./Gantt.module.css";

interface Props extends RowsView {
  started: string;
  finished: string | null;
}

/** A little air after the end, so that the last bar does not touch the edge. */
const AIR = 1.02;

export function Gantt({
  label,
  rows,
  view,
  onView,
  onFold,
  onOpen,
  linkOf,
  started,
  finished,
}: Props): JSX.Element {
  const now = useNow(finished === null);
  const narrow = useNarrow();
  const start = Date.parse(started);
  const last = finished === null ? now : Date.parse(finished);
  const all: Range = useMemo(
    () => [start, start + Math.max(1000, (last - start) * AIR)],
    [start, last],
  );
  const range: Range = view.range
    ? [start + view.range[0], Math.min(all[1], start + view.range[1])]
    : all;
  const show = useCallback(
    (next: Range) =>
      onView({ range: isWhole(next, all) ? null : [next[0] - start, next[1] - start] }),
    [onView, all, start],
  );
  const [box, setBox] = useState<HTMLDivElement | null>(null);
  const [axis, setAxis] = useState<HTMLDivElement | null>(null);
  const width = useWidth(axis);
  useWheel(box, axis, range, all, show);
  const middle = (range[0] + range[1]) / 2;
  const press = (event: KeyboardEvent): boolean => {
    if (event.key === "+" || event.key === "=") show(zoomed(range, all, 0.5, middle));
    else if (event.key === "-") show(zoomed(range, all, 2, middle));
    else if (event.key === "0") show(all);
    else if (event.shiftKey && event.key === "ArrowLeft") show(moved(range, all, -0.25));
    else if (event.shiftKey && event.key === "ArrowRight") show(moved(range, all, 0.25));
    else return false;
    return true;
  };
  const found = ticks(range, width);
  return (
    <div className={styles.gantt}>
      <div className={styles.tools} role="toolbar" aria-label="Time">
        <span className={styles.shown}>
          {localText(new Date(range[0]).toISOString(), new Date(now), true)} –{" "}
          {localText(new Date(range[1]).toISOString(), new Date(now), true)}
          <span className={styles.length}> {durationText((range[1] - range[0]) / 1000)}</span>
        </span>
        <span className={styles.space} />
        <Legend />
        <span className={styles.zoom}>
          <Button
            kind="quiet"
            icon="left"
            bare
            disabled={range[0] <= all[0]}
            onClick={() => show(moved(range, all, -0.5))}
          >
            Earlier
          </Button>
          <Button
            kind="quiet"
            icon="right"
            bare
            disabled={range[1] >= all[1]}
            onClick={() => show(moved(range, all, 0.5))}
          >
            Later
          </Button>
          <Button
            kind="quiet"
            icon="minus"
            bare
            onClick={() => show(zoomed(range, all, 2, middle))}
          >
            Zoom out
          </Button>
          <Button
            kind="quiet"
            icon="plus"
            bare
            onClick={() => show(zoomed(range, all, 0.5, middle))}
          >
            Zoom in
          </Button>
          <Button
            kind="quiet"
            icon="fit"
            bare
            disabled={view.range === null}
            onClick={() => show(all)}
          >
            Whole run
          </Button>
        </span>
      </div>
      <Rows
        label={`${label}. Arrow keys move and unfold, Enter opens, plus and minus zoom, Shift with left and right moves in time, 0 shows all.`}
        rows={rows}
        selected={view.selected}
        onSelect={(selected) => onView({ selected })}
        onFold={onFold}
        onOpen={onOpen}
        linkOf={linkOf}
        columns={styles.columns}
        rowHeight={narrow ? 46 : 28}
        columnCount={2}
        onKey={press}
        boxRef={setBox}
        header={
          <>
            <div role="columnheader" className={styles.title}>
              Task
            </div>
            <div role="columnheader" aria-label="Time">
              <Axis {...{ setAxis, found, range, all, show }} />
            </div>
          </>
        }
        cells={(row) => (
          <div role="gridcell" className={styles.lane} aria-label={spoken(row, now)}>
            {found.map((tick) => (
              <i
                key={tick.at}
                className={styles.line}
                data-day={tick.day}
                style={{ left: percent(tick.at, range) }}
              />
            ))}
            <Lane row={row} range={range} now={now} />
          </div>
        )}
      />
    </div>
  );
}

const percent = (at: number, range: Range): string => `${(share(at, range) * 100).toFixed(3)}%`;

function useWidth(element: HTMLElement | null): number {
  const [width, setWidth] = useState(800);
  useEffect(() => {
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, [element]);
  return width;
}

/** The wheel zooms over the axis, and with Ctrl anywhere; sideways it moves in time. */
function useWheel(
  box: HTMLElement | null,
  axis: HTMLElement | null,
  range: Range,
  all: Range,
  show: (next: Range) => void,
): void {
  const latest = useRef({ range, all, show });
  useEffect(() => {
    latest.current = { range, all, show };
  });
  useEffect(() => {
    if (!box || !axis) return;
    const turn = (event: WheelEvent): void => {
      const { range: now, all: whole, show: tell } = latest.current;
      const { left, width } = axis.getBoundingClientRect();
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey || axis.contains(event.target as Element)) {
        const at = now[0] + ((event.clientX - left) / width) * (now[1] - now[0]);
        tell(zoomed(now, whole, Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), at));
      } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        tell(moved(now, whole, sideways / width));
      } else return;
      event.preventDefault();
    };
    box.addEventListener("wheel", turn, { passive: false });
    return () => box.removeEventListener("wheel", turn);
  }, [box, axis]);
}

interface AxisProps {
  setAxis: (element: HTMLDivElement | null) => void;
  found: ReturnType<typeof ticks>;
  range: Range;
  all: Range;
  show: (next: Range) => void;
}

/** Ticks; a stretch drawn over them with the pointer is zoomed into. */
function Axis({ setAxis, found, range, all, show }: AxisProps): JSX.Element {
  const [drag, setDrag] = useState<readonly [number, number] | null>(null);
  const at = (event: PointerEvent<HTMLElement>): number => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  };
  const instant = (place: number): number => range[0] + place * (range[1] - range[0]);
  const end = (): void => {
    if (drag && Math.abs(drag[1] - drag[0]) > 0.01) {
      const [from, to] = [Math.min(...drag), Math.max(...drag)];
      show(zoomed([instant(from), instant(to)], all, 1, instant(from)));
    }
    setDrag(null);
  };
  return (
    <div
      ref={setAxis}
      className={styles.axis}
      title="Drag to zoom in; double-click for the whole run"
      onDoubleClick={() => show(all)}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag([at(event), at(event)]);
      }}
      onPointerMove={(event) => drag && setDrag([drag[0], at(event)])}
      onPointerUp={end}
      onPointerCancel={() => setDrag(null)}
    >
      {found.map((tick) => (
        <span
          key={tick.at}
          className={styles.tick}
          data-day={tick.day}
          style={{ left: percent(tick.at, range) }}
        >
          {tick.label}
        </span>
      ))}
      {drag && (
        <span
          className={styles.brush}
          style={{
            left: `${Math.min(...drag) * 100}%`,
            width: `${Math.abs(drag[1] - drag[0]) * 100}%`,
          }}
        />
      )}
    </div>
  );
}

function Lane({ row, range, now }: { row: Row; range: Range; now: number }): JSX.Element | null {
  if (row.type === "group") return <Whole entries={row.members} range={range} now={now} />;
  const { entry } = row;
  return (
    <>
      {entry.spans.map((span, i) => (
        <Bar key={i} {...{ span, range, now, critical: entry.critical, name: entry.name }} />
      ))}
      {entry.spans.length === 0 && entry.kids.length > 0 && (
        <Whole entries={entry.kids} range={range} now={now} />
      )}
    </>
  );
}

/** From the first beginning to the last end of what a folded group holds. */
function Whole({
  entries,
  range,
  now,
}: {
  entries: readonly { spans: readonly Span[]; critical: boolean }[];
  range: Range;
  now: number;
}): JSX.Element | null {
  const reach = extent(
    entries.flatMap((entry) => entry.spans.filter((span) => span.kind === "running")),
    now,
  );
  if (!reach) return null;
  return (
    <span
      className={styles.whole}
      data-critical={entries.some((entry) => entry.critical)}
      style={placed(reach, range)}
    />
  );
}

function placed(
  [from, to]: readonly [number, number],
  range: Range,
): { left: string; width: string } {
  // Bars far outside are cut at the edges: browsers do badly with widths of millions of pixels.
  const left = Math.max(-0.1, Math.min(1.1, share(from, range)));
  const right = Math.max(-0.1, Math.min(1.1, share(to, range)));
  return {
    left: `${(left * 100).toFixed(3)}%`,
    width: `${Math.max(0, (right - left) * 100).toFixed(3)}%`,
  };
}

interface BarProps {
  span: Span;
  range: Range;
  now: number;
  critical: boolean;
  name: string;
}

function Bar({ span, range, now, critical, name }: BarProps): JSX.Element | null {
  const from = Date.parse(span.started);
  const to = span.finished === null ? Math.max(now, from) : Date.parse(span.finished);
  if (to < range[0] || from > range[1]) return null;
  const look = lookOf(span.state);
  const word =
    span.kind === "waiting"
      ? "waiting"
      : span.kind === "retrying"
        ? "waits for its next attempt"
        : look.word;
  const title = [
    name,
    span.kind === "running" ? `attempt ${span.attempt}: ${word}` : word,
    durationText((to - from) / 1000),
    `${localText(span.started, new Date(now), true)} – ${span.finished ? localText(span.finished, new Date(now), true) : "now"}`,
    span.worker,
  ];
  return (
    <span
      className={styles.bar}
      data-kind={span.kind}
      data-tone={look.tone}
      data-live={span.finished === null}
      data-critical={critical && span.kind === "running"}
      style={placed([from, to], range)}
      title={title.filter(Boolean).join("\n")}
    />
  );
}

function spoken(row: Row, now: number): string {
  if (row.type === "group") return `${row.members.length} tasks`;
  return row.entry.spans
    .map((span) => {
      const seconds =
        ((span.finished ? Date.parse(span.finished) : now) - Date.parse(span.started)) / 1000;
      return `${span.kind === "running" ? `attempt ${span.attempt}, ${lookOf(span.state).word}` : span.kind} ${durationText(seconds)}`;
    })
    .join("; ");
}

function Legend(): JSX.Element {
  return (
    <span className={styles.legend} aria-hidden="true">
      <span>
        <i className={styles.bar} data-kind="waiting" />
        waiting
      </span>
      <span>
        <i className={styles.bar} data-kind="running" data-tone="success" />
        running
      </span>
      <span>
        <i className={styles.bar} data-kind="retrying" />
        until retry
      </span>
      <span>
        <i className={styles.bar} data-kind="running" data-tone="success" data-critical="true" />
        critical path
      </span>
    </span>
  );
}

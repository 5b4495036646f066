/** The rows of a log that are in view, drawn by the anchor that `anchor.ts` explains. */

import {
  memo,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type MouseEvent,
} from "react";

import type { LogLine } from "../api/types";
import { Link } from "../parts/Link";
import { utcText } from "../parts/formats";
import { heightOf, placeOf, rowsAround, topOf } from "./anchor";
import { Ansi } from "./Ansi";
import type { LogSource } from "./logSource";
import styles from "./LogLines.module.css";

export interface Goal {
  row: number | "end";
}

interface Props {
  source: LogSource;
  chosen: number | null;
  find: string;
  wrap: boolean;
  goal: Goal | null;
  follow: boolean;
  onFollow?: (on: boolean) => void;
  onChoose: (seq: number | null) => void;
  taskLink?: (key: string) => string;
}

/** Pixels of a row that is not wrapped; the style sheet says the same. */
const ROW = 20;
/** So few rows are all drawn, and scrolled by the browser alone. */
export const FEW = 400;

export function LogLines(props: Props) {
  const { source, wrap, goal, follow, onFollow } = props;
  const version = useSyncExternalStore(source.subscribe, () => source.version);
  const box = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const height = useHeight(box);

  const { count } = source;
  const few = count <= FEW;
  const total = heightOf(count, ROW);
  const place = placeOf(top, total, height, count);
  const [first, last] = few ? [0, count] : rowsAround(place, height, count, ROW);

  useEffect(() => source.want(first, last), [source, first, last, version]);

  // The anchor's row is drawn where the scroll bar says, whatever heights the rows turn out to have.
  useLayoutEffect(() => {
    const list = rows.current;
    if (!list) return;
    const anchor = few ? undefined : (list.children[place.row - first] as HTMLElement | undefined);
    const y = anchor ? place.at - (anchor.offsetTop + place.into * anchor.offsetHeight) : 0;
    list.style.transform = y ? `translateY(${y}px)` : "";
  });

  // Rows that came in above do not move what is looked at.
  const shifted = useRef(source.shifted);
  useLayoutEffect(() => {
    const more = source.shifted - shifted.current;
    shifted.current = source.shifted;
    if (more && box.current) box.current.scrollTop += more * ROW;
  }, [source, version]);

  useLayoutEffect(() => {
    const outer = box.current;
    if (!goal || !outer || !count) return;
    if (goal.row === "end" || goal.row >= count - 1) {
      outer.scrollTop = outer.scrollHeight;
      return;
    }
    const row = few ? (rows.current?.children[goal.row] as HTMLElement | undefined) : undefined;
    outer.scrollTop = row
      ? row.offsetTop - outer.clientHeight / 2
      : topOf(goal.row, total, outer.clientHeight, count);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only a new goal scrolls
  }, [goal]);

  useLayoutEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [follow, version, height]);

  const scrolled = () => {
    const outer = box.current;
    if (!outer) return;
    const up = outer.scrollTop < top - 1;
    const atEnd = outer.scrollTop + outer.clientHeight >= outer.scrollHeight - 4;
    setTop(outer.scrollTop);
    if (follow && up && !atEnd) onFollow?.(false);
    else if (!follow && atEnd && !up && source.atEnd) onFollow?.(true);
  };
  return (
    <div
      ref={box}
      className={styles.box}
      data-few={few || undefined}
      onScroll={scrolled}
      tabIndex={0}
      role="region"
      aria-label="Log lines"
    >
      <div className={styles.whole} style={few ? undefined : { height: total }}>
        <div className={few ? undefined : styles.window} style={few ? undefined : { height }}>
          <div
            ref={rows}
            className={styles.rows}
            data-wrap={wrap || undefined}
            style={{ ["--digits" as string]: String(source.at(last - 1)?.seq ?? last).length }}
          >
            {Array.from({ length: last - first }, (_, index) => {
              const line = source.at(first + index);
              return line ? (
                <Row
                  key={line.seq}
                  line={line}
                  chosen={line.seq === props.chosen}
                  find={props.find}
                  onChoose={props.onChoose}
                  taskLink={props.taskLink}
                />
              ) : (
                <div key={`row ${first + index}`} className={styles.row} data-missing="">
                  {line === undefined ? "…" : ""}
                </div>
              );
            })}
          </div>
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  line: LogLine;
  chosen: boolean;
  find: string;
  onChoose: (seq: number | null) => void;
  taskLink?: (key: string) => string;
}

const Row = memo(function Row({ line, chosen, find, onChoose, taskLink }: RowProps) {
  const choose = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    onChoose(chosen ? null : line.seq);
  };
  return (
    <div className={styles.row} data-level={line.level} data-chosen={chosen || undefined}>
      <a
        className={styles.number}
        href={hereWith(line.seq)}
        onClick={choose}
        aria-label={`Line ${line.seq}`}
        aria-current={chosen || undefined}
        title="Link to this line"
      >
        {line.seq}
      </a>
      <time className={styles.time} dateTime={line.at} title={utcText(line.at)}>
        {clockOf(line.at)}
      </time>
      {line.level !== "INFO" && <span className={styles.level}>{line.level.toLowerCase()}</span>}
      {taskLink && line.key && (
        <Link className={styles.task} to={taskLink(line.key)}>
          {line.key}
        </Link>
      )}
      <span className={styles.text}>
        <Ansi text={line.text} mark={find} />
      </span>
    </div>
  );
});

/** The address of this page at a line. */
function hereWith(seq: number): string {
  const words = new URLSearchParams(window.location.search);
  words.set("line", String(seq));
  return `${window.location.pathname}?${words}`;
}

function clockOf(at: string): string {
  const then = new Date(at);
  return [then.getHours(), then.getMinutes(), then.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}

function useHeight(box: React.RefObject<HTMLDivElement | null>): number {
  const [height, setHeight] = useState(400);
  useLayoutEffect(() => {
    const outer = box.current;
    if (!outer) return;
    const measure = () => setHeight(outer.clientHeight);
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(outer);
    return () => watcher.disconnect();
  }, [box]);
  return height;
}

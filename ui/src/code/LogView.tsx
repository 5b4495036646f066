/**
 * The log of a run, of a task or of an attempt: a million lines, of which it fetches what is looked
 * at. Line, level, search and wrapping live in the page's address.
 */

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";

import { addressOf, get, type Query } from "../api/client";
import { useStream, type StreamHandlers } from "../api/stream";
import type { LogLine, Logs } from "../api/types";
import { Button } from "../parts/Button";
import { Empty } from "../parts/Empty";
import { countText, numberText } from "../parts/formats";
import { Icon } from "../parts/icons";
import { Problem } from "../parts/Problem";
import { one, useUrl } from "../parts/url";
import { DenseLog } from "./denseLog";
import { FEW, LogLines, type Goal } from "./LogLines";
import { LogSearch } from "./LogSearch";
import type { LogSource } from "./logSource";
import styles from "./LogView.module.css";
import { SparseLog } from "./sparseLog";

interface Props {
  run: string;
  /** Only lines of this task. */
  task?: string | null;
  attempt?: number | null;
  /** Whether more lines may come. */
  live?: boolean;
  /** What else the page wants to hear of the stream, so that it needs no second one. */
  events?: StreamHandlers;
  /** Where lines of other tasks lead to; given, each line names its task. */
  taskLink?: (key: string) => string;
}

const LEVELS = [
  ["", "All levels"],
  ["INFO", "Info and above"],
  ["WARNING", "Warnings and errors"],
  ["ERROR", "Errors"],
] as const;
const NUMBERS: Record<string, number> = {
  DEBUG: 10,
  INFO: 20,
  WARNING: 30,
  ERROR: 40,
  CRITICAL: 50,
};
const numberOf = (level: string): number => NUMBERS[level] ?? 0;

export function LogView({
  run,
  task = null,
  attempt = null,
  live: grows = false,
  events,
  taskLink,
}: Props) {
  const [awaits, setAwaits] = useState(grows);
  if (grows && !awaits) setAwaits(true);
  // What was said last in a run comes after its end, until the stream says that this was all.
  const live = grows || (awaits && task === null);
  const [url, change] = useUrl();
  const level = one(url.level);
  const line = Number(one(url.line)) || null;
  const wrap = one(url.wrap) === "1";
  const [find, setFind] = useState(one(url.find));
  const [goal, setGoal] = useState<Goal | null>(null);
  const [follow, setFollow] = useState(live && !line);
  const [seen, setSeen] = useState(0);
  const [end, setEnd] = useState<number | null>(null);

  const filter = useMemo<Query>(() => ({ key: task, attempt, level }), [task, attempt, level]);
  const source = useSource(run, filter);
  useSyncExternalStore(source.subscribe, () => source.version);

  const goTo = useCallback(
    async (seq: number) => {
      setFollow(false);
      setGoal({ row: await source.find(seq) });
    },
    [source],
  );

  const toEnd = useCallback(async () => {
    await source.toEnd();
    setGoal({ row: "end" });
  }, [source]);

  // The place that is opened: the line of the address, else the end while it grows, else the start.
  const wanted = useRef(line);
  const shown = useRef<LogSource | null>(null);
  useEffect(() => {
    let current = true;
    const first = wanted.current;
    const again = shown.current === source;
    shown.current = source;
    if (again && !live) return source.renew();
    // Where the stream begins is asked first, so that no line falls between it and the first answer.
    const begin = async (): Promise<void> => {
      if (live) {
        const { total } = await get<Logs>(`/runs/${encodeURIComponent(run)}/logs`, {
          tail: 1,
          limit: 1,
        });
        if (current) setEnd((known) => known ?? total);
      }
      if (!current || again) return;
      if (first) await goTo(first);
      else await (live ? source.toEnd() : source.find(1));
    };
    begin().catch(() => {
      if (current) void source.find(1);
    });
    return () => {
      current = false;
    };
  }, [source, run, live, goTo]);

  // The log is read by ranges first; the stream begins where it stood then.
  const path = `/runs/${encodeURIComponent(run)}/stream?logs=1${task ? `&key=${encodeURIComponent(task)}` : ""}`;
  const { state } = useStream(live && end !== null ? `${path}&after=0.${end}` : null, {
    ...events,
    log: (told) => {
      source.append(told.lines);
      events?.log?.(told);
    },
    end: (told) => {
      setAwaits(false);
      events?.end?.(told);
    },
  });

  const choose = (seq: number | null) => {
    wanted.current = seq;
    change({ line: seq ? String(seq) : undefined });
  };
  const search = useCallback(
    (words: Query) =>
      get<Logs>(`/runs/${encodeURIComponent(run)}/logs`, { ...filter, limit: 1, ...words }),
    [run, filter],
  );
  const onFollow = (on: boolean) => {
    setSeen(source.count);
    setFollow(on);
  };
  const fresh = Math.max(0, source.count - seen);
  return (
    <section className={styles.view} aria-label="Log">
      <div className={styles.tools}>
        <LogSearch
          value={find}
          onChange={(text) => {
            setFind(text);
            change({ find: text || undefined });
          }}
          from={line}
          look={search}
          onFound={(seq) => {
            choose(seq);
            void goTo(seq);
          }}
        />
        <label className={styles.tool}>
          <span className="unseen">Level</span>
          <select
            value={level}
            onChange={(event) => change({ level: event.target.value || undefined })}
          >
            {LEVELS.map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <GoTo
          onGo={(seq) => {
            choose(seq);
            void goTo(seq);
          }}
        />
        <label className={styles.check}>
          <input
            type="checkbox"
            checked={wrap}
            onChange={() => change({ wrap: wrap ? undefined : "1" })}
          />
          Wrap
        </label>
        {live && (
          <label className={styles.check}>
            <input type="checkbox" checked={follow} onChange={() => onFollow(!follow)} />
            Follow
          </label>
        )}
        <a
          className={styles.download}
          href={addressOf(`/runs/${encodeURIComponent(run)}/logs/download`, { key: task, attempt })}
          download
        >
          <Icon name="download" /> Download
        </a>
      </div>
      {source.problem && (
        <Problem error={source.problem} onAgain={() => source.want(0, source.count)} />
      )}
      {source.count === 0 && !source.problem ? (
        <NoLines live={live} level={level} task={task !== null} loading={source.version === 0} />
      ) : (
        <LogLines
          source={source}
          chosen={line}
          find={find}
          wrap={wrap}
          goal={goal}
          follow={follow && live}
          onFollow={live ? onFollow : undefined}
          onChoose={choose}
          taskLink={taskLink}
        />
      )}
      <footer className={styles.foot}>
        <span>{source.count > 0 && counted(source)}</span>
        {source.count > FEW && (
          <span className={styles.ends}>
            <Button kind="quiet" icon="up" onClick={() => void goTo(1)}>
              Start
            </Button>
            <Button kind="quiet" icon="down" onClick={() => void toEnd()}>
              End
            </Button>
          </span>
        )}
        {live && !follow && fresh > 0 && source.atEnd && (
          <Button icon="down" onClick={() => onFollow(true)}>
            {countText(fresh, "new line")}
          </Button>
        )}
        {live && (
          <span>{state === "live" ? "Live" : state === "ended" ? "Ended" : "Reconnecting …"}</span>
        )}
      </footer>
    </section>
  );
}

function counted(source: LogSource): string {
  return source instanceof DenseLog || source.atEnd
    ? countText(source.count, "line")
    : `${numberText(source.count)} lines loaded; more as you scroll`;
}

interface NoLinesProps {
  live: boolean;
  level: string;
  /** Whether only the lines of a task are shown. */
  task: boolean;
  loading: boolean;
}

const PRINTED =
  " What it prints is kept here if it has log_stdout=True; else it is in the log of the whole run where an agent launched that, and otherwise on the terminal.";

function NoLines({ live, level, task, loading }: NoLinesProps) {
  if (loading) return <p className={styles.waiting}>Loading the log …</p>;
  if (level)
    return <Empty title="No lines of this level">Choose “All levels” to see what was said.</Empty>;
  const [title, rest] = live
    ? ["Nothing said yet", "Lines appear here as they are written."]
    : ["It logged nothing", "What a task logs is kept here."];
  return (
    <Empty title={title}>
      {rest}
      {task && PRINTED}
    </Empty>
  );
}

function GoTo({ onGo }: { onGo: (seq: number) => void }) {
  return (
    <form
      className={styles.tool}
      onSubmit={(event) => {
        event.preventDefault();
        const seq = Number(new FormData(event.currentTarget).get("line"));
        if (seq > 0) onGo(Math.floor(seq));
      }}
    >
      <label>
        <span className="unseen">Go to line</span>
        <input
          name="line"
          type="number"
          min={1}
          step={1}
          placeholder="Line"
          className={styles.number}
        />
      </label>
    </form>
  );
}

/** Without a filter, rows are numbers of lines; with one, a window onto what passes. */
function useSource(run: string, filter: Query): LogSource {
  return useMemo(() => {
    const load = (query: Query) =>
      get<Logs>(`/runs/${encodeURIComponent(run)}/logs`, { ...filter, ...query });
    const ask = (query: object) => load(query as Query);
    if (!filter.key && !filter.attempt && !filter.level) return new DenseLog(ask);
    const least = numberOf(String(filter.level ?? ""));
    const passes = (line: LogLine) =>
      (!filter.key || line.key === filter.key) &&
      (!filter.attempt || line.attempt === filter.attempt) &&
      numberOf(line.level) >= least;
    return new SparseLog(ask, passes);
  }, [run, filter]);
}

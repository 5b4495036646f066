/** A month of a schedule in its own zone: each occurrence's local and UTC time, changes of clocks marked. */

import { useMemo } from "react";

import { useGet, type ApiError, type Query } from "../../api/client";
import { Button } from "../../parts/Button";
import { useNarrow } from "../../parts/narrow";
import { Problem } from "../../parts/Problem";
import {
  byDay,
  covers,
  dayIn,
  effectOf,
  explained,
  localOf,
  monthAfter,
  monthIn,
  utcOf,
  weeksOf,
  type ClockChange,
  type Day,
  type Due,
  type Month,
  type Preview,
} from "./calendar";
import styles from "./Calendar.module.css";

interface Props {
  /** Which schedule: the words of a preview. */
  query: Query;
  timezone: string;
  month: Month | null;
  onMonth: (month: Month | null) => void;
}

const FEW = 100;
const MANY = 1000;
/** So many times of a day are shown before the rest is folded. */
const SHOWN = 3;
const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const NO_DAY: Day = { due: [], changes: [] };

export function Calendar({ query, timezone, month: chosen, onMonth }: Props) {
  const month = chosen ?? monthIn(timezone);
  const { preview, error } = useMonth(query, month);
  const narrow = useNarrow();
  const days = useMemo(() => (preview ? byDay(preview) : new Map<string, Day>()), [preview]);
  const today = dayIn(timezone);
  const title = titleOf(month);
  const whole = !preview || covers(preview, month, MANY);
  const changed = [...days].filter(
    ([date, day]) => date.startsWith(month) && day.changes.length > 0,
  );
  const coming = preview?.coming_transitions[0] ?? preview?.transitions[0];
  return (
    <div className={styles.calendar}>
      <header className={styles.head}>
        <h3 aria-live="polite">
          {title} <span className={styles.quiet}>in {timezone}</span>
        </h3>
        <div className={styles.moves}>
          <Button kind="quiet" bare icon="left" onClick={() => onMonth(monthAfter(month, -1))}>
            Month before
          </Button>
          <Button kind="quiet" onClick={() => onMonth(null)}>
            Today
          </Button>
          <Button kind="quiet" bare icon="right" onClick={() => onMonth(monthAfter(month, 1))}>
            Month after
          </Button>
          {coming && (
            <Button
              kind="quiet"
              icon="clock"
              onClick={() => onMonth(coming.local_before.slice(0, 7))}
            >
              Next change of clocks
            </Button>
          )}
        </div>
      </header>
      {error && <Problem error={error} />}
      {preview?.warnings.map((warning) => (
        <p key={warning} className={styles.warning} role="note">
          {warning}
        </p>
      ))}
      {narrow ? (
        <Agenda month={month} days={days} />
      ) : (
        <Grid month={month} days={days} today={today} label={`${title}, ${timezone}`} />
      )}
      {!whole && (
        <p className={styles.quiet}>
          More occurrences than can be shown; some days are not complete.
        </p>
      )}
      {changed.map(([date, day]) =>
        day.changes.map((change) => (
          <p key={`${date} ${change.instant}`} className={styles.change} role="note">
            <strong>{dayText(date)}.</strong> {explained(change, day.due)}{" "}
            <span className={styles.quiet}>
              {clockText(change)}, at {change.instant.slice(11, 16)} UTC.
            </span>
          </p>
        )),
      )}
    </div>
  );
}

/** Enough of a preview to fill a month: few occurrences first, many if these do not reach. */
function useMonth(query: Query, month: Month): { preview: Preview | null; error: ApiError | null } {
  const around = `${month}-15`;
  const few = useGet<Preview>(
    "/schedules/preview",
    { ...query, around, next: FEW },
    { keep: true },
  );
  const dense = few.data !== undefined && !few.isPlaceholderData && !covers(few.data, month, FEW);
  const many = useGet<Preview>(dense ? "/schedules/preview" : null, {
    ...query,
    around,
    next: MANY,
  });
  return {
    preview: (dense ? many.data : undefined) ?? few.data ?? null,
    error: few.error ?? many.error,
  };
}

interface GridProps {
  month: Month;
  days: Map<string, Day>;
  today: string;
  label: string;
}

function Grid({ month, days, today, label }: GridProps) {
  return (
    <table className={styles.grid}>
      <caption className="unseen">{label}</caption>
      <thead>
        <tr>
          {WEEKDAYS.map((name) => (
            <th key={name} scope="col">
              <abbr title={name}>{name.slice(0, 3)}</abbr>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {weeksOf(month).map((week) => (
          <tr key={week[0]}>
            {week.map((date) => {
              const day = days.get(date) ?? NO_DAY;
              return (
                <td
                  key={date}
                  data-outside={!date.startsWith(month) || undefined}
                  data-today={date === today || undefined}
                  data-change={day.changes.length > 0 || undefined}
                >
                  <time dateTime={date} aria-label={dayText(date)} className={styles.number}>
                    {Number(date.slice(8))}
                  </time>
                  <OneDay day={day} />
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The same as a list, for narrow screens: only days with something in them. */
function Agenda({ month, days }: { month: Month; days: Map<string, Day> }) {
  const found = [...days]
    .filter(([date]) => date.startsWith(month))
    .sort(([a], [b]) => a.localeCompare(b));
  if (found.length === 0) return <p className={styles.quiet}>Nothing in this month.</p>;
  return (
    <ul className={styles.agenda}>
      {found.map(([date, day]) => (
        <li key={date} data-change={day.changes.length > 0 || undefined}>
          <time dateTime={date}>{shortDay(date)}</time>
          <div>
            <OneDay day={day} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function OneDay({ day }: { day: Day }) {
  const few = day.due.length <= SHOWN + 1 ? day.due : day.due.slice(0, SHOWN);
  const rest = day.due.slice(few.length);
  return (
    <>
      {day.changes.map((change) => (
        <p key={change.instant} className={styles.clocks} title={change.note}>
          {clockText(change)}
        </p>
      ))}
      {day.changes.flatMap((change) =>
        change.lost.map((time) => (
          <p
            key={time}
            className={styles.due}
            data-effect="skipped"
            title="This time does not exist on this day"
          >
            <s>{time.slice(11, 16)}</s> <span>skipped</span>
          </p>
        )),
      )}
      {few.map((due) => (
        <OneTime key={due.instant} due={due} />
      ))}
      {rest.length > 0 && (
        <details className={styles.rest}>
          <summary>{rest.length} more</summary>
          {rest.map((due) => (
            <OneTime key={due.instant} due={due} />
          ))}
        </details>
      )}
    </>
  );
}

function OneTime({ due }: { due: Due }) {
  const effect = effectOf(due);
  return (
    <p className={styles.due} data-effect={effect ?? undefined} title={due.note ?? undefined}>
      <strong>{localOf(due)}</strong> <span>{utcOf(due)}</span>
      {effect && (
        <em>
          {effect === "shifted"
            ? `${due.nominal.slice(11, 16)} shifted`
            : due.repeat
              ? "second time"
              : "comes twice"}
        </em>
      )}
    </p>
  );
}

const clockText = (change: ClockChange): string =>
  `Clocks ${change.local_before.slice(11, 16)} → ${change.local_after.slice(11, 16)}`;

const words = (date: string, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }).format(
    new Date(`${date}T00:00:00Z`),
  );

const titleOf = (month: Month): string => words(`${month}-01`, { month: "long", year: "numeric" });
const dayText = (date: string): string =>
  words(date, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const shortDay = (date: string): string =>
  words(date, { weekday: "short", day: "numeric", month: "short" });

/** The next occurrences of a schedule as a list: local time with its offset, UTC, and what clocks do. */

import { useGet, type Query } from "../../api/client";
import { Time } from "../../parts/Time";
import {
  effectOf,
  localOf,
  offsetOf,
  utcOf,
  type ClockChange,
  type Due,
  type Preview,
} from "./calendar";
import styles from "./FlowPage.module.css";

const NEXT = 20;
type Item = { at: string; due: Due; change: null } | { at: string; due: null; change: ClockChange };

export function Coming({ query }: { query: Query }) {
  const found = useGet<Preview>("/schedules/preview", { ...query, next: NEXT }, { keep: true });
  const preview = found.data;
  if (!preview) return null;
  const items: Item[] = [
    ...preview.occurrences.map((due): Item => ({ at: due.instant, due, change: null })),
    ...preview.transitions.map((change): Item => ({ at: change.instant, due: null, change })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return (
    <section className={styles.coming} aria-label="Next occurrences">
      <h3>
        Next {preview.occurrences.length}{" "}
        <span className={styles.quiet}>time zone data {preview.timezone_data}</span>
      </h3>
      {items.length === 0 && (
        <p className={styles.quiet}>It names no time that is still to come.</p>
      )}
      <div
        className={styles.scroll}
        tabIndex={0}
        role="region"
        aria-label="Next occurrences as a table"
      >
        <table>
          <thead>
            <tr>
              <th scope="col">In its zone</th>
              <th scope="col">UTC</th>
              <th scope="col">Here</th>
            </tr>
          </thead>
          <tbody>
            {items.map((item) =>
              item.due ? (
                <OneDue key={item.due.instant} due={item.due} />
              ) : (
                <OneChange key={`clocks ${item.at}`} change={item.change} />
              ),
            )}
          </tbody>
        </table>
      </div>
      {preview.coming_transitions.map((change) => (
        <p key={change.instant} className={styles.quiet}>
          After these: {change.note}.
        </p>
      ))}
    </section>
  );
}

function OneDue({ due }: { due: Due }) {
  return (
    <tr data-effect={effectOf(due) ?? undefined}>
      <td>
        <span className={styles.date}>{dayOf(due.local)}</span> <strong>{localOf(due)}</strong>{" "}
        <span className={styles.quiet}>{offsetOf(due.local)}</span>
        {due.note && <p className={styles.effect}>{due.note}</p>}
      </td>
      <td title={due.instant.slice(0, 16).replace("T", " ")}>{utcOf(due).replace(" UTC", "")}</td>
      <td>
        <Time at={due.instant} />
      </td>
    </tr>
  );
}

/** "Sun 22 Nov 2026". */
const dayOf = (local: string): string =>
  new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    timeZone: "UTC",
  })
    .format(new Date(`${local.slice(0, 10)}T00:00:00Z`))
    .replace(",", "");

function OneChange({ change }: { change: ClockChange }) {
  return (
    <tr data-effect="clocks">
      <td colSpan={3}>
        <p className={styles.effect}>{change.note}</p>
        {change.lost.length > 0 && (
          <p className={styles.effect}>
            Skipped: {change.lost.map((time) => time.slice(0, 16).replace("T", " ")).join(", ")}
          </p>
        )}
      </td>
    </tr>
  );
}

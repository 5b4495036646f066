/** What comes next, in the clock of its schedule and in that of whoever looks. */

import type { Coming } from "../../api/types";
import { Link } from "../../parts/Link";
import { Section } from "../../parts/Section";
import { Time } from "../../parts/Time";
import { flowPath } from "../../paths";
import styles from "./Home.module.css";

export function Next({ coming }: { coming: Coming[] }) {
  return (
    <Section title="Next">
      {coming.length === 0 && (
        <p className={styles.none}>
          No schedule is in service. <code>orchestrator deploy</code> puts flows in service with the
          schedules of their code; then each can be changed on its page under{" "}
          <Link to="/flows">Flows</Link>.
        </p>
      )}
      <ul className={styles.list}>
        {coming.map((each) => (
          <li key={`${each.flow} ${each.schedule} ${each.instant}`} className={styles.entry}>
            <div className={styles.line}>
              <Link to={flowPath(each.flow)} className={styles.name}>
                {each.flow}
              </Link>
              <span className={styles.when}>
                <Time at={each.instant} distance />
              </span>
            </div>
            <p className={styles.message}>
              <Time at={each.instant} /> here · {clockOf(each)} {each.timezone} (
              {offsetOf(each.offset)}){each.schedule ? ` · ${each.schedule}` : ""}
            </p>
            {each.note && <p className={styles.note}>{each.note}</p>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** "02:00" of "2026-11-22T02:00:00+01:00": the wall clock of the schedule, whatever zone we are in. */
function clockOf({ local }: Coming): string {
  return /T(\d\d:\d\d)/.exec(local)?.[1] ?? local;
}

/** "UTC+01:00" of 3600. */
function offsetOf(seconds: number): string {
  const minutes = Math.round(Math.abs(seconds) / 60);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `UTC${seconds < 0 ? "−" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

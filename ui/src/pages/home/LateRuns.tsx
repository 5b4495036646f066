/** Runs that should have begun and have not. */

import type { Late } from "../../api/types";
import { Link } from "../../parts/Link";
import { Section } from "../../parts/Section";
import { Time } from "../../parts/Time";
import { flowPath } from "../../paths";
import styles from "./Home.module.css";

export function LateRuns({ late }: { late: Late[] }) {
  return (
    <Section title="Late">
      <ul className={styles.cards}>
        {late.map((each) => (
          <li
            key={`${each.flow} ${each.schedule} ${each.due}`}
            className={styles.card}
            data-tone="late"
          >
            <div className={styles.line}>
              <Link to={flowPath(each.flow)} className={styles.name}>
                {each.flow}
              </Link>
              <span className={styles.when}>
                {each.schedule && `${each.schedule} · `}due <Time at={each.due} distance />
              </span>
            </div>
            {each.note && <p className={styles.message}>{each.note}</p>}
          </li>
        ))}
      </ul>
    </Section>
  );
}

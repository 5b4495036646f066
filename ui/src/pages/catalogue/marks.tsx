/** How fresh a dataset is and how its tests went, as mark and words. */

import type { DatasetRow, Freshness } from "../../api/types";
import { durationText, numberText } from "../../parts/formats";
import { Icon, type IconName } from "../../parts/icons";
import { Time } from "../../parts/Time";
import styles from "./marks.module.css";

/** The age of a dataset, and whether it is too old. */
export function FreshMark({ fresh }: { fresh: Freshness | null }) {
  if (!fresh || (fresh.age_seconds === null && !fresh.at))
    return <span className={styles.quiet}>not known</span>;
  const tone = fresh.ok === null ? "quiet" : fresh.ok ? "good" : "bad";
  const words = fresh.ok === null ? "" : fresh.ok ? "on time, " : "too old, ";
  return (
    <span className={styles.mark} data-tone={tone}>
      {fresh.ok !== null && <Icon name={fresh.ok ? "success" : "warned"} size={13} />}
      <span>
        <span className="unseen">{words}</span>
        {fresh.at ? <Time at={fresh.at} distance /> : `${durationText(fresh.age_seconds)} old`}
      </span>
    </span>
  );
}

/** "3 passed", "1 of 4 failed", "2 not run". */
export function TestMark({ tests }: { tests: DatasetRow["tests"] }) {
  const all = tests.passed + tests.failed + tests.unknown;
  if (all === 0) return <span className={styles.quiet}>none</span>;
  const [tone, icon, words] = said(tests, all);
  return (
    <span className={styles.mark} data-tone={tone} title={summary(tests)}>
      <Icon name={icon} size={13} />
      {words}
    </span>
  );
}

function said(tests: DatasetRow["tests"], all: number): [string, IconName, string] {
  if (tests.failed > 0)
    return ["bad", "failed", `${numberText(tests.failed)} of ${numberText(all)} failed`];
  if (tests.passed === 0) return ["quiet", "pending", `${numberText(all)} not run`];
  return [
    "good",
    "success",
    tests.unknown > 0 ? `${tests.passed} of ${all} passed` : `${all} passed`,
  ];
}

const summary = (tests: DatasetRow["tests"]): string =>
  `${tests.passed} passed, ${tests.failed} failed, ${tests.unknown} not run`;

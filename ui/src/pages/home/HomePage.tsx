/** Last night at a glance: what failed, is late, runs now, and comes next. */

import { useGet } from "../../api/client";
import { useStream } from "../../api/stream";
import type { Home } from "../../api/types";
import { useSoon } from "../../api/useSoon";
import { Empty } from "../../parts/Empty";
import { Icon, type IconName } from "../../parts/icons";
import { Link } from "../../parts/Link";
import { Page } from "../../parts/Page";
import { Problem } from "../../parts/Problem";
import { Section } from "../../parts/Section";
import { Time } from "../../parts/Time";
import { Failed } from "./Failed";
import styles from "./Home.module.css";
import { LateRuns } from "./LateRuns";
import { Next } from "./Next";
import { Running } from "./Running";
import { Trend } from "./Trend";
import { verdictOf, type Verdict } from "./verdict";

const ICONS: Record<Verdict["tone"], IconName> = {
  failed: "failed",
  late: "clock",
  running: "running",
  good: "success",
  nothing: "pending",
};

export default function HomePage() {
  const home = useGet<Home>("/home", undefined, { every: 30_000 });
  const changed = useSoon("/home");
  useStream("/stream", { run: changed, open: (again) => again && changed() });
  if (!home.data) {
    return (
      <Page title="Home">
        {home.error ? (
          <Problem error={home.error} onAgain={() => void home.refetch()} />
        ) : (
          <p role="status">Looking…</p>
        )}
      </Page>
    );
  }
  return <Night home={home.data} />;
}

function Night({ home }: { home: Home }) {
  const verdict = verdictOf(home.last_night);
  const bare =
    verdict.tone === "nothing" && !home.next.length && !home.trend.length && !home.failed.length;
  return (
    <Page
      title="Home"
      heading={
        <span className={styles.verdict} data-tone={verdict.tone}>
          <Icon name={ICONS[verdict.tone]} size={22} />
          {bare ? "Nothing has run yet." : verdict.text}
        </span>
      }
      lead={
        !bare && (
          <>
            Since <Time at={home.last_night.since} />
          </>
        )
      }
    >
      {bare && (
        <Empty title="This project has no run to show.">
          Start one from <Link to="/flows">Flows</Link>, or in a terminal with{" "}
          <code>orchestrator run FLOW</code>. What you <code>orchestrator deploy</code> runs by its
          schedules.
        </Empty>
      )}
      {home.failed.length > 0 && <Failed runs={home.failed} />}
      {home.late.length > 0 && <LateRuns late={home.late} />}
      {!bare && (
        <div className={styles.columns}>
          <Running runs={home.running} />
          <Next coming={home.next} />
        </div>
      )}
      {home.trend.length > 0 && (
        <Section title="How long runs take" aside="seconds a run, the latest at the right">
          <Trend trend={home.trend} />
        </Section>
      )}
    </Page>
  );
}

/** The schedules of a flow: where each stands, its calendar, what comes next, and changing them. */

import { useEffect, useState } from "react";

import { useGet, useSend, type Query } from "../../api/client";
import { Button } from "../../parts/Button";
import { Empty } from "../../parts/Empty";
import { Section } from "../../parts/Section";
import { Time } from "../../parts/Time";
import { one, useUrl } from "../../parts/url";
import { Calendar } from "./Calendar";
import type { Preview } from "./calendar";
import { Coming } from "./Coming";
import styles from "./FlowPage.module.css";
import { ScheduleForm } from "./ScheduleForm";
import { draftOf, nameOf, previewOf, type Draft } from "./schedules";
import type { FlowPageData, Scheduled } from "./types";

interface Props {
  flow: FlowPageData;
  admin: boolean;
  onTold: (text: string) => void;
}

const SETTLE = 350;

export function Schedules({ flow, admin, onTold }: Props) {
  const [url, change] = useUrl();
  const [drafts, setDrafts] = useState<Draft[] | null>(null);
  const [editing, setEditing] = useState(0);
  const kept = flow.versions.find((version) => version.current)?.schedules ?? [];
  const known = useGet<{ schedules: Scheduled[] }>(flow.deployed ? "/schedules" : null, {
    flow: flow.name,
  });
  const listed = (known.data?.schedules ?? []).filter((each) => each.flow === flow.name);
  const chosen = listed.find((each) => each.name === one(url.schedule)) ?? listed[0];
  const readable = kept.map(draftOf);
  const fixed = kept.filter((_, index) => !readable[index]).map(nameOf);

  const draft = useSettled(drafts?.[editing] ?? null);
  const drafted = draft ? previewOf(draft) : null;
  const own: Query | null = flow.deployed
    ? chosen
      ? { flow: flow.name, name: chosen.name }
      : null
    : flow.schedules.length > 0
      ? { flow: flow.name }
      : null;
  const query = drafts ? drafted : own;
  const tried = useGet<Preview>(
    query ? "/schedules/preview" : null,
    { ...query, next: 1 },
    { keep: true },
  );
  const shown = useShown(query, tried.isPlaceholderData || tried.error ? undefined : tried.data);
  const begin = () => {
    setDrafts(readable.filter((each) => each !== null));
    setEditing(
      Math.max(
        kept.findIndex((each) => nameOf(each) === chosen?.name),
        0,
      ),
    );
  };
  const end = () => setDrafts(null);
  const month = /^\d{4}-\d{2}$/.test(one(url.month)) ? one(url.month) : null;
  return (
    <Section
      title="Schedules"
      aside={
        admin && flow.deployed && !drafts && fixed.length === 0 ? (
          <Button icon="clock" onClick={begin}>
            Change schedules
          </Button>
        ) : undefined
      }
    >
      {drafts ? (
        <ScheduleForm
          flow={flow.name}
          drafts={drafts}
          onDrafts={setDrafts}
          chosen={editing}
          onChoose={setEditing}
          refused={
            drafted && tried.error
              ? [tried.error.what, tried.error.fix].filter(Boolean).join("; ")
              : null
          }
          onClose={end}
          onSaved={() => {
            end();
            onTold("The schedules were saved as a new deployment.");
          }}
        />
      ) : (
        <List
          listed={listed}
          chosen={chosen?.name ?? null}
          admin={admin}
          onChoose={(name) => change({ schedule: name })}
          onTold={onTold}
        />
      )}
      {fixed.length > 0 && admin && (
        <p className={styles.quiet}>
          {fixed.join(", ")}: more than a cron expression, so it is changed in the flow’s code.
        </p>
      )}
      {!flow.deployed && flow.schedules.length > 0 && (
        <p className={styles.quiet}>
          So says the code. Nothing runs by itself before <code>orchestrator deploy</code> puts the
          flow in service.
        </p>
      )}
      {!drafts && !own && <NoSchedule deployed={flow.deployed} />}
      {shown && query && (
        <div className={styles.schedule}>
          <Calendar
            query={shown.query}
            timezone={shown.timezone}
            month={month}
            onMonth={(to) => change({ month: to ?? undefined })}
          />
          <Coming query={shown.query} />
        </div>
      )}
    </Section>
  );
}

function NoSchedule({ deployed }: { deployed: boolean }) {
  return (
    <Empty title="No schedule">
      {deployed
        ? "It runs when somebody starts it; “Change schedules” gives it times of its own."
        : "It runs when somebody starts it. Give the flow a schedule in its code, and deploy it."}
    </Empty>
  );
}

interface ListProps {
  listed: Scheduled[];
  chosen: string | null;
  admin: boolean;
  onChoose: (name: string) => void;
  onTold: (text: string) => void;
}

function List({ listed, chosen, admin, onChoose, onTold }: ListProps) {
  if (listed.length === 0) return null;
  return (
    <ul className={styles.listed}>
      {listed.map((each) => (
        <li key={each.name} data-chosen={each.name === chosen || undefined}>
          <button
            type="button"
            className={styles.pick}
            aria-pressed={each.name === chosen}
            onClick={() => onChoose(each.name)}
          >
            <strong>{each.name}</strong>
            <code>{each.schedule}</code>
          </button>
          <span className={styles.next}>
            {each.paused ? (
              <span className={styles.paused}>
                {each.paused === "flow" ? "paused with the flow" : "paused"}
              </span>
            ) : each.next ? (
              <>
                next <Time at={each.next.instant} />{" "}
                <span className={styles.quiet}>
                  ({each.next.local.slice(11, 16)} in {each.next.timezone})
                </span>
              </>
            ) : (
              <span className={styles.quiet}>nothing to come</span>
            )}
          </span>
          {each.note && <span className={styles.effect}>{each.note}</span>}
          {admin && each.paused !== "flow" && <Switch schedule={each} onTold={onTold} />}
        </li>
      ))}
    </ul>
  );
}

function Switch({ schedule, onTold }: { schedule: Scheduled; onTold: (text: string) => void }) {
  const word = schedule.paused ? "resume" : "pause";
  const send = useSend<{ flow: string; name: string }>("POST", `/schedules/${word}`);
  return (
    <span className={styles.switch}>
      <Button
        kind="quiet"
        busy={send.isPending}
        onClick={() =>
          send.mutate(
            { flow: schedule.flow, name: schedule.name },
            {
              onSuccess: () =>
                onTold(`${schedule.name} ${word === "pause" ? "is paused" : "runs again"}.`),
            },
          )
        }
      >
        {word === "pause" ? "Pause" : "Resume"} <span className="unseen">{schedule.name}</span>
      </Button>
      {send.error && <span className={styles.wrong}>{send.error.what}</span>}
    </span>
  );
}

interface Shown {
  query: Query;
  timezone: string;
}

/** The last preview that the server could make; what is being typed may not be one yet. */
function useShown(query: Query | null, found: Preview | undefined): Shown | null {
  const [shown, show] = useState<Shown | null>(null);
  const timezone = found?.timezones[0];
  const fresh = query && timezone && JSON.stringify(shown) !== JSON.stringify({ query, timezone });
  if (fresh) show({ query, timezone });
  return shown;
}

/** A value once it has not changed for a moment, so that not every key press asks the server. */
function useSettled<V>(value: V): V {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => settle(value), SETTLE);
    return () => window.clearTimeout(timer);
  }, [value]);
  return settled;
}

/** The deployments of a flow: which is in service, what changed between two, and going back to one. */

import { useState } from "react";

import { useGet } from "../../api/client";
import { Diff } from "../../code/Diff";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Confirm";
import { Empty } from "../../parts/Empty";
import { Problem } from "../../parts/Problem";
import { Section } from "../../parts/Section";
import { Time } from "../../parts/Time";
import { one, useUrl } from "../../parts/url";
import styles from "./FlowPage.module.css";
import type { ChangedValue, FlowPageData, Version, VersionDifference } from "./types";

interface Props {
  flow: FlowPageData;
  admin: boolean;
  onTold: (text: string) => void;
}

export function Versions({ flow, admin, onTold }: Props) {
  const [url, change] = useUrl();
  const [back, setBack] = useState<Version | null>(null);
  const versions = [...flow.versions].sort((x, y) => y.number - x.number);
  if (versions.length === 0) {
    return (
      <Section title="Versions">
        <Empty title="Not deployed">
          <code>orchestrator deploy {flow.name}</code> keeps this version and puts it in service.
        </Empty>
      </Section>
    );
  }
  const b = Number(one(url.b)) || versions[0]?.number || 0;
  const a = Number(one(url.a)) || versions[1]?.number || 0;
  return (
    <Section title="Versions" aside={`${versions.length} deployed so far`}>
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Versions as a table">
        <table className={styles.versions}>
          <thead>
            <tr>
              <th scope="col">Number</th>
              <th scope="col">Version</th>
              <th scope="col">Commit</th>
              <th scope="col">Deployed</th>
              <th scope="col">By</th>
              <th scope="col">
                <span className="unseen">What can be done</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {versions.map((version) => (
              <tr key={version.number} data-current={version.current || undefined}>
                <td>
                  {version.number}{" "}
                  {version.current && <span className={styles.current}>in service</span>}
                </td>
                <td>
                  <code>{version.version}</code>
                </td>
                <td>{version.commit ? <code>{version.commit.slice(0, 8)}</code> : "–"}</td>
                <td>
                  <Time at={version.created} />
                </td>
                <td>{version.created_by || "–"}</td>
                <td>
                  {admin && !version.current && (
                    <Button kind="quiet" onClick={() => setBack(version)}>
                      Put {version.number} in service
                    </Button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {versions.length > 1 && (
        <div className={styles.compare}>
          <h3>What changed</h3>
          <span>from</span>
          <Pick
            label="From version"
            versions={versions}
            value={a}
            onChange={(to) => change({ a: String(to) })}
          />
          <span>to</span>
          <Pick
            label="To version"
            versions={versions}
            value={b}
            onChange={(to) => change({ b: String(to) })}
          />
        </div>
      )}
      {versions.length > 1 && a !== b && <Difference flow={flow.name} a={a} b={b} />}
      {back && (
        <Rollback flow={flow.name} to={back} onClose={() => setBack(null)} onTold={onTold} />
      )}
    </Section>
  );
}

interface PickProps {
  label: string;
  versions: Version[];
  value: number;
  onChange: (number: number) => void;
}

function Pick({ label, versions, value, onChange }: PickProps) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(Number(event.target.value))}
    >
      {versions.map((version) => (
        <option key={version.number} value={version.number}>
          {version.number} ({version.version.slice(0, 8)})
        </option>
      ))}
    </select>
  );
}

function Difference({ flow, a, b }: { flow: string; a: number; b: number }) {
  const path = `/flows/${encodeURIComponent(flow)}/versions/compare`;
  const found = useGet<VersionDifference>(path, { a, b }, { keep: true });
  if (found.error) return <Problem error={found.error} />;
  if (!found.data) return null;
  const { changed, parameters, schedules } = found.data;
  if (!changed.length && !parameters.length && !schedules.length)
    return <p className={styles.quiet}>Nothing changed.</p>;
  return (
    <div className={styles.difference}>
      <Values title="Parameters" values={parameters} />
      <Values title="Schedules" values={schedules} />
      {changed.map((file) =>
        file.diff ? (
          <Diff
            key={file.path}
            diff={file.diff}
            title={`${file.path}${file.change === "changed" ? "" : ` (${file.change})`}`}
          />
        ) : (
          <p key={file.path}>
            <code>{file.path}</code>{" "}
            <span className={styles.quiet}>
              {file.change}; it is no text, or too long to compare here
            </span>
          </p>
        ),
      )}
    </div>
  );
}

function Values({ title, values }: { title: string; values: ChangedValue[] }) {
  if (values.length === 0) return null;
  return (
    <div className={styles.scroll} tabIndex={0} role="region" aria-label={`${title} that changed`}>
      <table>
        <thead>
          <tr>
            <th scope="col">{title}</th>
            <th scope="col">Before</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          {values.map((value) => (
            <tr key={value.name}>
              <td>{value.name}</td>
              <td>
                <code>{textOf(value.a)}</code>
              </td>
              <td>
                <code>{textOf(value.b)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const textOf = (value: unknown): string =>
  value === null || value === undefined
    ? "–"
    : typeof value === "string"
      ? value
      : JSON.stringify(value);

interface RollbackProps {
  flow: string;
  to: Version;
  onClose: () => void;
  onTold: (text: string) => void;
}

function Rollback({ flow, to, onClose, onTold }: RollbackProps) {
  return (
    <Confirm
      title={`Put version ${to.number} of ${flow} in service?`}
      word="Put it in service"
      path={`/deployments/${encodeURIComponent(flow)}/rollback`}
      body={{ number: to.number }}
      onClose={onClose}
      onDone={() => onTold(`Version ${to.number} is in service.`)}
    >
      <p>
        New runs take the code of <code>{to.version}</code> and the schedules it was deployed with.
        Runs that are under way keep theirs.
      </p>
    </Confirm>
  );
}

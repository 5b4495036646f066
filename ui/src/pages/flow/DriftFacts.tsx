/** How the code in the project differs from what is in service of a flow. */

import type { JSX } from "react";

import { useGet } from "../../api/client";
import type { Drift, Drifted, FlowDrift } from "../../api/types";
import { Section } from "../../parts/Section";
import { drifts } from "./drift";
import styles from "./FlowPage.module.css";

const FEW = 20;

export function DriftFacts({ flow }: { flow: string }): JSX.Element | null {
  const found = useGet<Drift>("/drift", undefined, { fresh: 60_000 });
  const one = found.data?.flows.find((each) => each.flow === flow);
  if (!one || !drifts(one)) return null;
  return (
    <Section title="Not in service yet" aside={commitsOf(one)}>
      <p className={styles.quiet}>{WHAT[one.standing]}</p>
      <ul className={styles.drift}>
        {one.by_hand && <li>Its schedules were given by hand, by {one.by_hand}.</li>}
        {one.schedules.map((each) => (
          <Changed key={each.name} what="Schedule" {...each} />
        ))}
        {one.terms.map((each) => (
          <Changed key={each.name} {...each} />
        ))}
        {one.files?.slice(0, FEW).map((file) => (
          <li key={file.path}>
            <code>{file.path}</code> {file.change}
          </li>
        ))}
        {(one.files?.length ?? 0) > FEW && <li>{one.files!.length - FEW} more files</li>}
      </ul>
    </Section>
  );
}

const WHAT: Record<FlowDrift["standing"], string> = {
  same: "",
  "not deployed": "",
  differs: "The project’s folder has something else than what is in service. Deploy it to use it.",
  gone: "It is in service, and no file of the project has it any more.",
  unreadable: "It is in service, and a file of the project cannot be read, perhaps its own.",
};

function commitsOf({ behind, ahead }: FlowDrift): string | undefined {
  const told = [
    behind ? `${behind} ${behind === 1 ? "commit" : "commits"} behind` : "",
    ahead ? `${ahead} ahead` : "",
  ];
  return told.filter(Boolean).join(", ") || undefined;
}

const said = (value: unknown): string =>
  value === null ? "nothing" : typeof value === "string" ? value : JSON.stringify(value);

function Changed({ what, name, deployed, repository }: Drifted & { what?: string }): JSX.Element {
  return (
    <li>
      {[what, name].filter(Boolean).join(" ")}: <code>{said(deployed)}</code> in service,{" "}
      <code>{said(repository)}</code> in the project
    </li>
  );
}

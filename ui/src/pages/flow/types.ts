/** What the API says of a flow's deployments and schedules, in full. */

import type { Instant, Run, WholeFlow } from "../../api/types";
import type { Kept } from "./schedules";

export interface Version {
  deployment_id: string;
  number: number;
  version: string;
  commit: string | null;
  source: string;
  created: Instant;
  created_by: string;
  schedules: Kept[];
  parameters: Record<string, unknown>;
  labels: string[];
  executor: string | null;
  environment: Record<string, unknown>;
  current: boolean;
}

export interface Deed {
  action: string;
  by: string;
  at: Instant;
  data: Record<string, unknown>;
}

export type FlowPageData = Omit<WholeFlow, "versions" | "audit"> & {
  versions: Version[];
  audit: Deed[];
  last_run: Run | null;
};

export interface Scheduled {
  id: string;
  flow: string;
  name: string;
  deployment: number;
  schedule: string;
  paused: "flow" | "schedule" | null;
  due: number;
  next: { instant: Instant; local: string; timezone: string; note: string | null } | null;
  note: string | null;
  occurrences: { instant: Instant; outcome: string; reason: string; run_id: string | null }[];
}

export interface ChangedFile {
  path: string;
  change: "added" | "removed" | "changed";
  diff: string | null;
}

export interface ChangedValue {
  name: string;
  a: unknown;
  b: unknown;
}

export interface VersionDifference {
  changed: ChangedFile[];
  parameters: ChangedValue[];
  schedules: ChangedValue[];
}

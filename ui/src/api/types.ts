/** The shapes of the API's answers. Instants are ISO 8601 in UTC, durations are seconds. */

export type Instant = string;

export interface Evidence {
  source: string;
  text: string;
  file: string | null;
  line: number | null;
  node: string | null;
}

export interface Edge {
  upstream: string;
  downstream: string;
  dataset: string | null;
  evidence: Evidence[];
}

export interface Run {
  run_id: string;
  flow: string;
  project: string | null;
  state: string;
  message: string | null;
  created: Instant;
  started: Instant | null;
  finished: Instant | null;
  parameters: Record<string, unknown>;
  options: Record<string, unknown>;
  retry_of: string | null;
  pid: number | null;
  host: string | null;
  deployment_id: string | null;
  version: string | null;
  schedule_id: string | null;
  scheduled: Instant | null;
  interval_start: Instant | null;
  interval_end: Instant | null;
  due: Instant | null;
  waits_for: string | null;
  agent: string | null;
  counts: Record<string, number>;
  seconds: number | null;
  late: boolean;
  progress: number | null;
  live: boolean;
}

export interface TaskRun {
  key: string;
  name: string;
  resource_type: string;
  path: string | null;
  state: string;
  message: string | null;
  cause: string | null;
  status: string | null;
  attempt: number;
  started: Instant | null;
  finished: Instant | null;
  rows: number | null;
  failures: number | null;
  detail: Record<string, unknown> | null;
}

export interface Asked {
  action: string;
  key: string | null;
  by: string | null;
  at: Instant;
  data: Record<string, unknown> | null;
}

export interface WholeRun extends Run {
  tasks: TaskRun[];
  requests: Asked[];
  retried_by: string[];
  graph: string | null;
  /** Why it has not begun. */
  waiting: string | null;
}

export interface AskedOf {
  run_id: string;
  action: string;
  tasks: string[];
  state: string | null;
  now: boolean;
}

export interface RunList {
  runs: Run[];
  next: string | null;
}

export interface GraphNode {
  key: string;
  name: string;
  resource_type: string;
  path: string | null;
  folder: string | null;
  layer: string | null;
  tags: string[];
  reads: string[];
  writes: string[];
  expected: number | null;
}

export type Layout = Record<string, [number, number]>;

export interface Graph {
  /** Null when nothing is known of what was planned. */
  hash: string | null;
  nodes: GraphNode[];
  edges: Edge[];
  layout: Layout | null;
}

export interface Attempt {
  number: number;
  state: string;
  message: string | null;
  started: Instant | null;
  finished: Instant | null;
  worker: string | null;
  detail: Record<string, unknown> | null;
  sql: string | null;
}

export interface StateChange {
  at: Instant;
  state: string | null;
  message: string;
  attempt: number | null;
  kind: string;
  data: Record<string, unknown>;
}

export interface Failure {
  message: string | null;
  traceback: string | null;
  sql: string | null;
  sql_line: number | null;
  file: string | null;
  line: number | null;
}

/** A dbt node that a task reported which runs dbt as a command. */
export interface ReportedNode {
  key: string;
  name: string;
  resource_type: string;
  state: string;
  status: string | null;
  message: string;
  started: Instant | null;
  finished: Instant | null;
}

export interface WholeTask {
  task: TaskRun;
  sql: string | null;
  attempts: Attempt[];
  history: StateChange[];
  upstream: (Edge & { state: string | null })[];
  downstream: (Edge & { state: string | null })[];
  failure: Failure | null;
  why: string | null;
  requests: Asked[];
  nodes: ReportedNode[];
}

export interface Span {
  kind: "waiting" | "running" | "retrying";
  started: Instant;
  finished: Instant | null;
  attempt: number;
  state: string;
  worker: string | null;
}

export interface TimelineNode {
  key: string;
  name: string;
  resource_type: string;
  folder: string | null;
  layer: string | null;
  state: string;
  spans: Span[];
  critical: boolean;
}

export interface TimelineRow extends TimelineNode {
  nodes: TimelineNode[];
}

export interface Timeline {
  rows: TimelineRow[];
  started: Instant | null;
  finished: Instant | null;
  critical_path: string[];
}

export interface RunEvent {
  id: number;
  key: string | null;
  at: Instant;
  kind: string;
  data: Record<string, unknown> | null;
}

export interface LogLine {
  seq: number;
  at: Instant;
  key: string | null;
  attempt: number | null;
  level: string;
  text: string;
}

export interface Logs {
  lines: LogLine[];
  first: number | null;
  last: number | null;
  total: number;
}

export interface Side {
  state: string;
  seconds: number | null;
  rows: number | null;
  sql: string | null;
}

export interface ComparedTask {
  key: string;
  name: string;
  a: Side | null;
  b: Side | null;
  seconds_ratio: number | null;
  rows_change: number | null;
  sql_changed: boolean | null;
  sql_diff: string | null;
}

export interface Comparison {
  a: Run;
  b: Run;
  tasks: ComparedTask[];
}

export interface TaskHistory {
  history: {
    run_id: string;
    started: Instant | null;
    finished: Instant | null;
    seconds: number | null;
    rows: number | null;
    state: string;
  }[];
}

export interface Occurrence {
  instant: Instant;
  local: string;
  timezone: string;
  offset?: string | null;
  note?: string | null;
}

export interface Flow {
  name: string;
  project: string | null;
  description: string | null;
  source: string | null;
  tags: string[];
  deployed: boolean;
  paused: boolean;
  version: string | null;
  schedules: string[];
  last_run: Run | null;
  next: Occurrence | null;
  error: string | null;
}

export interface Parameter {
  name: string;
  type: "str" | "int" | "float" | "bool" | "date" | "datetime" | "list" | "json";
  default: unknown;
  required: boolean;
  description: string | null;
  choices?: unknown[] | null;
}

export interface Deployment {
  deployment_id: string;
  number: number;
  flow: string;
  project: string;
  version: string;
  source: string;
  commit: string | null;
  schedules: Record<string, unknown>[];
  parameters: Record<string, unknown>;
  labels: string[];
  executor: string | null;
  environment: Record<string, unknown>;
  created: Instant;
  created_by: string;
}

export interface Version extends Deployment {
  current: boolean;
}

export interface Drifted {
  name: string;
  deployed: unknown;
  repository: unknown;
}

/** How a flow of the project's folder and its deployment stand to one another. */
export interface FlowDrift {
  flow: string;
  standing: "same" | "differs" | "not deployed" | "gone" | "unreadable";
  deployment: number | null;
  deployment_id: string | null;
  version: string | null;
  commit: string | null;
  ref: string;
  environment: string | null;
  behind: number | null;
  ahead: number | null;
  in_place: boolean;
  /** Null: it cannot be seen. */
  files: { path: string; change: string }[] | null;
  schedules: Drifted[];
  terms: Drifted[];
  by_hand: string;
}

export interface Drift {
  project: string;
  version: string;
  commit: string | null;
  branch: string | null;
  dirty: boolean;
  drift: boolean;
  flows: FlowDrift[];
  errors: Record<string, string>;
}

/** What somebody did to a deployment. */
export interface Deployed {
  action: string;
  by: string;
  at: Instant;
  data: Record<string, unknown>;
}

export interface AuditEntry {
  id: number;
  at: Instant;
  by: string | null;
  role: string | null;
  action: string;
  subject: string | null;
  data: Record<string, unknown> | null;
}

export interface WholeFlow extends Flow {
  parameters: Parameter[];
  parameter_schema: Record<string, unknown> | null;
  versions: Version[];
  audit: Deployed[];
}

export interface FlowDuration {
  run_id: string;
  created?: Instant;
  started: Instant | null;
  seconds: number | null;
  state: string;
  version?: string | null;
}

export interface Built {
  run_id: string;
  key: string;
  at: Instant;
  state: string;
}

export interface Freshness {
  at: Instant | null;
  age_seconds: number | null;
  ok: boolean | null;
}

export interface DatasetRow {
  name: string;
  description: string | null;
  layer: string | null;
  kind: string | null;
  columns: number;
  built: Built | null;
  rows: number | null;
  fresh: Freshness | null;
  tests: { passed: number; failed: number; unknown: number };
  readers: number;
  writers: number;
}

export interface Catalogue {
  datasets: DatasetRow[];
  total: number;
  layers: string[];
  /** Whether the project's files are being read again. */
  surveying: boolean;
  /** Whether the columns have been read. */
  complete: boolean;
  /** Why flows are missing here. */
  errors: string[];
  notes: string[];
}

export interface DatasetUser {
  key: string;
  flow: string | null;
  name: string;
  resource_type: string;
  path: string | null;
  evidence: Evidence[];
}

export interface Column {
  name: string;
  type: string | null;
  description: string | null;
  tests: string[];
}

export interface WholeDataset extends Omit<DatasetRow, "columns" | "readers" | "writers"> {
  columns: Column[];
  /** Why the columns are not known; null if they are. */
  columns_unknown: string | null;
  readers: DatasetUser[];
  writers: DatasetUser[];
  tests_list: {
    key: string;
    name: string;
    flow: string;
    /** Null while it never ran. */
    state: string | null;
    at: Instant | null;
    failures: number | null;
    run_id: string | null;
  }[];
  sql: string | null;
  history: {
    at: Instant;
    rows: number | null;
    seconds: number | null;
    run_id: string;
    key: string;
    state: string;
  }[];
}

export interface LineageEnd {
  dataset: string;
  column: string | null;
}

export interface Lineage {
  datasets: { name: string; layer: string | null; kind: string | null; columns: string[] }[];
  edges: {
    from: LineageEnd;
    to: LineageEnd;
    task: string | null;
    evidence: Evidence[];
    kind: string;
    notes?: string[];
  }[];
  unknown: { dataset: string; why: string }[];
  /** Whether there is more than is told here. */
  truncated?: boolean;
}

export interface Agent {
  id: string;
  name: string;
  labels: string[];
  host: string;
  pid: number | null;
  started: Instant;
  heartbeat: Instant;
  version: string;
  packages: Record<string, string>;
  /** Whether it was heard of lately. */
  alive: boolean;
}

export interface Notification {
  id: number;
  key: string | null;
  kind: string;
  target: string;
  run_id: string | null;
  state: "pending" | "sent" | "dead";
  attempts: number;
  next_try: Instant | null;
  created: Instant;
  error: string | null;
  payload: Record<string, unknown>;
}

export interface Limit {
  name: string;
  slots: number;
  /** Where in the settings it stands; null: set by hand. */
  origin: string | null;
  taken: { run_id: string; holder: string; expires: Instant }[];
}

export interface Late {
  flow: string;
  schedule: string | null;
  due: Instant;
  note: string | null;
}

export interface Coming {
  flow: string;
  schedule: string;
  instant: Instant;
  local: string;
  timezone: string;
  /** Seconds that local time is ahead of UTC. */
  offset: number;
  note: string | null;
}

export interface Home {
  failed: Run[];
  late: Late[];
  running: Run[];
  next: Coming[];
  trend: { flow: string; runs: FlowDuration[] }[];
  last_night: { since: Instant; ok: number; failed: number; running: number; late: number };
}

export type Role = "view" | "run" | "admin";

export interface Me {
  by: string;
  role: Role;
  project: string | null;
  version: string;
  tokens: boolean;
}

export interface Hit {
  kind: "flow" | "run" | "task" | "dataset" | "schedule";
  name: string;
  title: string;
  detail: string | null;
  link: string;
}

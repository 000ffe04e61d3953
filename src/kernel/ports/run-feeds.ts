import type { Scope } from "../actor.ts";

export type RunStatus = "pending" | "running" | "completed" | "failed" | "stopped";
export const TERMINAL: ReadonlySet<RunStatus> = new Set(["completed", "failed", "stopped"]);

/** One measurement of a run. `timestamp` is epoch milliseconds; `values` may hold NaN and infinities. */
export interface MetricPoint {
  seq: number;
  epoch: number;
  step: number;
  timestamp: number;
  values: Record<string, number>;
}

/** Points in columns, the form they are sent, stored and archived in: cheap to copy, no object per point. */
export interface MetricColumns {
  steps: Float64Array;
  epochs: Float64Array;
  timestamps: Float64Array;
  series: MetricSeries[];
}

/** One key's values; `present[i] === 0` marks a point without it, no mask means every point has it. */
export interface MetricSeries {
  key: string;
  values: Float64Array;
  present?: Uint8Array;
}

export interface LogLine {
  timestamp: number;
  level: string;
  message: string;
}

/** By what somebody watches: when that ends, so does the watching. */
export type Watcher = `session:${string}` | `token:${string}`;

/** Who is writing: the run's owner, an administrator (scope `null`), or the agent that holds the run. */
export type FeedWriter = { kind: "user"; scope: Scope } | { kind: "agent"; agentId: string };

/** A batch under the same key is stored once; with a digest it must also say the same. */
export interface IdempotencyKey {
  key: string;
  digest?: string;
}

/** Expected refusals cross Durable Object RPC as values, since error classes do not survive it. */
export type FeedRefusal =
  | { ok: false; reason: "not_found" | "key_reused" }
  | { ok: false; reason: "finished"; status: RunStatus };
export type FeedAck = { ok: true; firstSeq: number; lastSeq: number; duplicate: boolean } | FeedRefusal;

/** A place in step order; `seq` tells points of one step apart. */
export interface MetricPosition {
  step: number;
  seq: number;
}

export interface MetricsQuery {
  fromStep: number;
  /** Only these keys of `values`; all when absent. */
  keys?: string[];
  /** Down-sample to this many points; more only if the extremes of all keys need it. */
  maxPoints?: number;
  limit: number;
  after?: MetricPosition;
}

export interface MetricsPage {
  points: MetricPoint[];
  next?: MetricPosition;
}

export interface LogsQuery {
  afterSeq: number;
  limit: number;
  level?: string;
}

export interface LogsPage {
  lines: (LogLine & { seq: number })[];
  next?: number;
}

/** How a run ends; `at` is epoch milliseconds. */
export interface RunEnding {
  status: "completed" | "failed" | "stopped";
  at: number;
  errorMessage?: string;
  result?: Record<string, unknown>;
  /** An attempt failed in a way another may not: where one is left the run waits for it instead of ending. */
  mayRetry?: boolean;
}

/** The live feed of one run: appends are durable when acknowledged, watchers see them in order. */
export interface RunFeedHandle {
  appendMetrics(writer: FeedWriter, points: MetricColumns, key?: IdempotencyKey): Promise<FeedAck>;
  appendLogs(writer: FeedWriter, lines: LogLine[], key?: IdempotencyKey): Promise<FeedAck>;
  readMetrics(query: MetricsQuery): Promise<MetricsPage>;
  readLogs(query: LogsQuery): Promise<LogsPage>;
  /**
   * Reads the run's row again after somebody else changed it, and tells watchers. Returns how many points and log lines
   * the feed has been given.
   */
  sync(): Promise<number>;
  /**
   * Ends the run (or its attempt, see `mayRetry`) if it has not ended and, when `agentId` is given, that agent holds it; `false` when it changed nothing.
   * What was acknowledged before is in the archive, the latest figures in the row, before anybody sees the end.
   */
  end(ending: RunEnding, agentId?: string): Promise<boolean>;
  /** Fails the run, or its attempt while others are left, if its lease is over; `false` when it is not. */
  expireLease(): Promise<boolean>;
  /** Deletes the run with its history and forgets everything; `false` when it was gone already. */
  remove(): Promise<boolean>;
  /** Remembers a one-use ticket by its hash, and for whom it is. */
  addTicket(hash: string, expiresAt: number, watcher: Watcher): Promise<void>;
  /** Uses a ticket up and says for whom it was; nothing when there is none such or it is too old. */
  redeemTicket(hash: string, now: number): Promise<Watcher | null>;
  /** Hands the upgrade request of an authorised watcher to the feed. */
  watch(request: Request): Promise<Response>;
}

export interface RunFeeds {
  of(runId: string): RunFeedHandle;
}

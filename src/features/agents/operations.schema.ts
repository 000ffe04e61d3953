import { PageQuery, Timestamp, z } from "#http/contract";
import type { AgentEventRow, AgentRow } from "../../db/schema.ts";
import type { AgentLogLine, LinkStatus } from "../../kernel/ports/agent-links.ts";

const STATES = ["starting", "running", "draining", "stopped", "failed"] as const;

const Gpu = z
  .object({
    name: z.string(),
    vendor: z.string().nullable(),
    memory_bytes: z.number().nullable(),
    driver: z.string().nullable(),
  })
  .openapi("AgentGpu");

const Host = z
  .object({
    hostname: z.string(),
    platform: z.string(),
    arch: z.string(),
    cpus: z.number().int(),
    memory_bytes: z.number(),
    gpus: z.array(Gpu),
    os: z.string().nullish(),
    shell: z.string().nullish().openapi({ description: "What its terminals start." }),
    no_shell: z
      .string()
      .nullish()
      .openapi({ description: "Why it has no terminals though it was told to have some." }),
    cpu_model: z.string().nullish(),
    physical_cpus: z.number().int().nullish(),
    limits: z.object({ cpus: z.number().nullable(), memory_bytes: z.number().nullable() }).optional(),
  })
  .openapi("AgentHost");

const Work = z
  .object({
    kind: z.enum(["run", "notebook", "terminal", "benchmark"]),
    id: z.string(),
    since: Timestamp,
  })
  .openapi("AgentWork");

export const AgentStatus = z
  .object({
    agent_id: z.uuid(),
    state: z.enum(STATES),
    since: Timestamp.openapi({ description: "When it entered this state." }),
    reason: z.string().nullable(),
    connected: z.boolean().openapi({ description: "Whether its link is open at this moment." }),
    last_seen_at: Timestamp.nullable(),
    work: z.array(Work),
    version: z.string().nullable(),
    capabilities: z.array(z.string()),
    labels: z.array(z.string()),
    host: Host.nullable(),
    clock_skew_ms: z
      .number()
      .nullable()
      .openapi({ description: "How far its clock was ahead of the server's when it connected." }),
  })
  .openapi("AgentStatus");
export type AgentStatus = z.infer<typeof AgentStatus>;

const isoOf = (ms: number) => new Date(ms).toISOString();

export const toAgentStatus = (agentId: string, status: LinkStatus): AgentStatus => ({
  agent_id: agentId,
  state: status.state,
  since: isoOf(status.since),
  reason: status.reason,
  connected: status.connected,
  last_seen_at: status.lastSeenAt === null ? null : isoOf(status.lastSeenAt),
  work: status.work,
  version: status.version,
  capabilities: status.capabilities,
  labels: status.labels,
  host: status.host,
  clock_skew_ms: status.clockSkewMs,
});

export const UpdateAgent = z
  .object({
    name: z.string().trim().min(1).max(100).optional(),
    shared: z.boolean().optional().openapi({ description: "Administrators only." }),
    record_terminals: z.boolean().optional().openapi({
      description:
        "Records every terminal that is opened, or looked at again, from now on. To stop that takes `terminal:review`.",
    }),
  })
  .openapi("UpdateAgent");
export type UpdateAgent = z.infer<typeof UpdateAgent>;

export const LogsQuery = z.object({
  after: z.coerce.number().int().min(0).optional().openapi({ description: "Lines behind this `seq`." }),
  limit: PageQuery.shape.limit,
});
export type LogsQuery = z.infer<typeof LogsQuery>;

export const AgentLog = z
  .object({
    seq: z.number().int(),
    level: z.enum(["debug", "info", "warn", "error"]),
    message: z.string(),
    timestamp: Timestamp.openapi({ description: "By the agent's clock." }),
  })
  .openapi("AgentLog");
export type AgentLog = z.infer<typeof AgentLog>;

export const toAgentLog = ({ seq, level, message, at }: AgentLogLine): AgentLog => ({
  seq,
  level,
  message,
  timestamp: isoOf(at),
});

export const AgentEvent = z
  .object({
    id: z.uuid(),
    state: z.enum(STATES),
    reason: z.string().nullable(),
    version: z.string().nullable(),
    created_at: Timestamp,
  })
  .openapi("AgentEvent");
export type AgentEvent = z.infer<typeof AgentEvent>;

export const toAgentEvent = (row: AgentEventRow): AgentEvent => ({
  id: row.id,
  state: row.state,
  reason: row.reason,
  version: row.version,
  created_at: row.createdAt.toISOString(),
});

/** Counts of what an agent has done. */
export interface WorkDone {
  completed: number;
  failed: number;
  stopped: number;
  running: number;
}

export const AgentMetrics = z
  .object({
    agent_id: z.uuid(),
    timestamp: Timestamp.nullable().openapi({ description: "When the machine was measured." }),
    machine: z.record(z.string(), z.unknown()).nullable().openapi({
      description: "CPU, memory, disk, network and GPUs at that moment; null before the first figures came.",
    }),
    runs: z.object({
      completed: z.number().int(),
      failed: z.number().int(),
      stopped: z.number().int(),
      running: z.number().int(),
    }),
    budget_spent_micros: z
      .number()
      .int()
      .nullable()
      .openapi({ description: "Millionths of a US dollar; null while nothing of it is measured." }),
    pii_detections: z.number().int().nullable().openapi({ description: "Null while nothing looks for it." }),
  })
  .openapi("AgentMetrics");
export type AgentMetrics = z.infer<typeof AgentMetrics>;

export const toAgentMetrics = (
  { id }: AgentRow,
  newest: { at: number; sample: unknown } | undefined,
  runs: WorkDone,
): AgentMetrics => ({
  agent_id: id,
  timestamp: newest ? isoOf(newest.at) : null,
  machine: newest ? (newest.sample as Record<string, unknown>) : null,
  runs,
  budget_spent_micros: null,
  pii_detections: null,
});

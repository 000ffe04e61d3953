import type { AgentRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";

export const Agent = z
  .object({
    id: z.uuid(),
    user_id: z.uuid(),
    name: z.string(),
    shared: z.boolean().openapi({ description: "Takes every user's work, not only its owner's." }),
    record_terminals: z.boolean().openapi({
      description: "Its terminals are recorded, also where the deployment records none.",
    }),
    capabilities: z.array(z.string()),
    labels: z.array(z.string()).openapi({ description: "What runs may ask for by name, such as `gpu`." }),
    concurrency: z.number().int().nullable().openapi({ description: "Runs it takes at once." }),
    state: z.enum(["starting", "running", "draining", "stopped", "failed"]),
    state_reason: z.string().nullable(),
    version: z.string().nullable(),
    connected: z.boolean().openapi({ description: "Whether it was heard of within the lease time." }),
    last_seen_at: Timestamp.nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi("Agent");
export type Agent = z.infer<typeof Agent>;

export const CreateAgent = z
  .object({
    name: z.string().trim().min(1).max(100),
    shared: z.boolean().default(false).openapi({ description: "Administrators only." }),
  })
  .openapi("CreateAgent");
export type CreateAgent = z.infer<typeof CreateAgent>;

export const CreatedAgent = Agent.extend({
  token: z.string().openapi({ description: "Shown this once; the agent sends it as `X-IC-Token`." }),
}).openapi("CreatedAgent");

export const toAgent = (row: AgentRow, now: Date, leaseSeconds: number): Agent => ({
  id: row.id,
  user_id: row.ownerId,
  name: row.name,
  shared: row.shared,
  record_terminals: row.recordTerminals,
  capabilities: row.capabilities,
  labels: row.labels,
  state: row.state,
  state_reason: row.stateReason,
  concurrency: row.concurrency,
  version: row.version,
  connected: row.lastSeenAt !== null && now.getTime() - row.lastSeenAt.getTime() < leaseSeconds * 1000,
  last_seen_at: row.lastSeenAt?.toISOString() ?? null,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});

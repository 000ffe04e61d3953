import type { RunRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";

export const Claim = z
  .object({
    capabilities: z.array(z.string().min(1).max(100)).max(50),
    version: z.string().min(1).max(50),
    holding: z.array(z.uuid()).max(100).openapi({ description: "Runs the agent is working on." }),
    accept: z.boolean().default(true).openapi({ description: "`false` only says it is there." }),
  })
  .openapi("Claim");
export type Claim = z.infer<typeof Claim>;

export const Lease = z
  .object({
    run_id: z.uuid(),
    name: z.string(),
    model_type: z.string(),
    config: z.record(z.string(), z.unknown()),
    expires_at: Timestamp,
    resumed: z
      .boolean()
      .openapi({ description: "The agent held it already and did not say so: take it up again." }),
    entries: z
      .number()
      .int()
      .openapi({ description: "Points and log lines the run has been given already." }),
  })
  .openapi("Lease");
export type Lease = z.infer<typeof Lease>;

export const Claimed = z
  .object({
    lease: Lease.nullable(),
    lease_seconds: z.number().int(),
    lost: z.array(z.uuid()).openapi({ description: "Of `holding`, what is not the agent's any more." }),
  })
  .openapi("Claimed");
export type Claimed = z.infer<typeof Claimed>;

export const Report = z
  .object({
    success: z.boolean(),
    // Whatever a crashing program wrote last: it is the reason that counts, so it is mended and not refused.
    error: z
      .string()
      .max(4000)
      .transform((text) => text.toWellFormed().replaceAll("\0", "\ufffd"))
      .optional(),
    result: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi("LeaseReport");
export type Report = z.infer<typeof Report>;

export const toLease = (row: RunRow, expiresAt: Date, how: Pick<Lease, "resumed" | "entries">): Lease => ({
  run_id: row.id,
  name: row.name,
  model_type: row.modelType,
  config: row.config,
  expires_at: expiresAt.toISOString(),
  ...how,
});

import type { RunRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";
import { Command, KINDS, Label } from "./command.schema.ts";

export const Claim = z
  .object({
    capabilities: z.array(z.string().min(1).max(100)).max(50),
    version: z.string().min(1).max(50),
    instance: z.uuid().optional().openapi({
      description: "Which program it is, by the name its link goes by; only the one connected is given work.",
    }),
    holding: z.array(z.uuid()).max(100).openapi({ description: "Runs the agent is working on." }),
    labels: z
      .array(Label)
      .max(50)
      .default([])
      .openapi({ description: "What runs may ask an agent to be, such as `gpu`." }),
    concurrency: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .optional()
      .openapi({ description: "How many runs it takes at once." }),
    accept: z.boolean().default(true).openapi({ description: "`false` only says it is there." }),
  })
  .openapi("Claim");
export type Claim = z.infer<typeof Claim>;

export const Lease = z
  .object({
    run_id: z.uuid(),
    name: z.string(),
    kind: z.enum(KINDS),
    model_type: z.string(),
    config: z.record(z.string(), z.unknown()),
    command: Command.optional(),
    token: z.string().optional().openapi({ description: "What the process of a command writes with." }),
    attempt: z.number().int(),
    max_retries: z.number().int(),
    timeout_seconds: z.number().int().nullable(),
    register: z.string().optional().openapi({ description: "The artifact that becomes a model version." }),
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
    retry: z
      .boolean()
      .default(true)
      .openapi({ description: "Whether another attempt may end better than this failure." }),
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

interface Handing extends Pick<Lease, "resumed" | "entries"> {
  expiresAt: Date;
  token: string;
}

export const toLease = (row: RunRow, { expiresAt, token, ...how }: Handing): Lease => ({
  run_id: row.id,
  name: row.name,
  kind: row.kind,
  model_type: row.modelType,
  config: row.config,
  ...(row.command && { command: row.command, token }),
  attempt: row.attempt,
  max_retries: row.maxRetries,
  timeout_seconds: row.timeoutSeconds,
  ...(row.registerPath !== null && { register: row.registerPath }),
  expires_at: expiresAt.toISOString(),
  ...how,
});

import { Timestamp, z } from "#http/contract";
import { encodeCursor, type Position } from "../../kernel/page.ts";
import { KINDS } from "./command.schema.ts";
import type { QueuedRow } from "./queue.repo.ts";
import { type Facts, type Reason, REASONS } from "./queue-reason.ts";

export const QueuedRun = z
  .object({
    run_id: z.uuid(),
    user_id: z.uuid(),
    name: z.string(),
    kind: z.enum(KINDS),
    labels: z.array(z.string()),
    priority: z.number().int(),
    position: z.number().int().openapi({
      description:
        "From 1, among the waiting runs of the same kind and labels: one's own, and everybody's where only shared agents could take it.",
    }),
    reason: z.enum(REASONS).openapi({
      description:
        "Why it waits. `agents_busy`: every agent that could take it is full; `others_first`: there is room, and others are ahead; `next`: it goes with the next beat of an agent.",
    }),
    agents: z
      .object({
        connected: z.number().int().openapi({ description: "May take it, and were heard of lately." }),
        capable: z.number().int().openapi({ description: "Of these, those that do its kind." }),
        matching: z.number().int().openapi({ description: "Of these, those that have its labels." }),
        places: z
          .number()
          .int()
          .nullable()
          .openapi({ description: "Runs these take at once; unknown when one of them did not say." }),
        busy: z.number().int().openapi({ description: "Runs these hold." }),
      })
      .openapi("QueueFacts"),
    attempt: z.number().int(),
    not_before: Timestamp.nullable(),
    created_at: Timestamp,
  })
  .openapi("QueuedRun");
export type QueuedRun = z.infer<typeof QueuedRun>;

/** A place in the queue: the priority, then the time and id of a run. */
export interface QueuePosition extends Position {
  priority: number;
}

export const encodeQueueCursor = ({ priority, queuedAt, id }: QueuedRow): string =>
  `${priority}.${encodeCursor({ at: queuedAt.toISOString(), id })}`;

export const toQueuedRun = (
  row: QueuedRow,
  why: { reason: Reason; position: number; facts: Facts },
): QueuedRun => ({
  run_id: row.id,
  user_id: row.ownerId,
  name: row.name,
  kind: row.kind,
  labels: row.labels,
  priority: row.priority,
  position: why.position,
  reason: why.reason,
  agents: why.facts,
  attempt: row.attempt,
  not_before: row.notBefore?.toISOString() ?? null,
  created_at: row.createdAt.toISOString(),
});

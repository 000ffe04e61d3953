import { Timestamp, z } from "#http/contract";

export const OutboxMail = z
  .object({
    id: z.uuid(),
    kind: z.string().openapi({ example: "verify-email" }),
    to: z.string(),
    status: z.enum(["outbox", "sent", "failed"]),
    subject: z.string().nullable().openapi({ description: "As `text`." }),
    text: z.string().nullable().openapi({
      description:
        "Only while it lies in the outbox, and only for administrators who may do everything; a delivered mail's text is not kept.",
    }),
    error: z.string().nullable(),
    attempts: z.number().int(),
    created_at: Timestamp,
    sent_at: Timestamp.nullable(),
  })
  .openapi("OutboxMail");
export type OutboxMail = z.infer<typeof OutboxMail>;

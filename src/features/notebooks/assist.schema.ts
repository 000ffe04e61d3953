import { z } from "#http/contract";

export const Assist = z
  .object({
    prompt: z.string().trim().min(1).max(10_000),
    selected_cell_id: z.string().max(64).optional(),
    cell_type: z.enum(["code", "markdown"]).default("code"),
    include_imports: z.boolean().default(false),
  })
  .openapi("AssistRequest");
export type Assist = z.infer<typeof Assist>;

export const Assisted = z
  .object({
    suggestion: z.string(),
    explanation: z.string().nullable(),
    confidence: z.null().openapi({ description: "Models do not tell how sure they are." }),
    model: z.string(),
    tokens_generated: z.number().int().nullable(),
  })
  .openapi("AssistReply");
export type Assisted = z.infer<typeof Assisted>;

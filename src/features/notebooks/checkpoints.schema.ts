import { z } from "#http/contract";

const MAX_BASE64 = 1_400_000;
const Count = z.number().int().min(0);
const Epoch = Count.max(2 ** 31 - 1);
const Step = Count.max(Number.MAX_SAFE_INTEGER);
const State = z.string().max(MAX_BASE64);

// Not coerced: the document would call such a parameter optional.
const wholeNumber = (range: z.ZodType<number, number>) =>
  z
    .string()
    .regex(/^\d{1,16}$/, "must be a whole number")
    .transform(Number)
    .pipe(range)
    .openapi({ type: "integer", minimum: 0, example: 0 });

/** What goes with a state that is the body itself. */
export const CheckpointMeta = z.object({
  epoch: wholeNumber(Epoch),
  step: wholeNumber(Step),
  metrics: z
    .string()
    .max(100_000)
    .optional()
    .openapi({ description: "JSON; numbers at the top can be compared." }),
});
export type CheckpointMeta = z.infer<typeof CheckpointMeta>;

export const CheckpointJson = z
  .object({
    epoch: Epoch,
    step: Step,
    metrics: z.unknown().optional(),
    model_state_base64: State.openapi({
      example: "AQID",
      description: "Up to 1 MB; larger states go by PUT.",
    }),
    optimizer_state_base64: State.nullish(),
  })
  .openapi("SaveCheckpoint");
export type CheckpointJson = z.infer<typeof CheckpointJson>;

export const BestQuery = z.object({
  metric: z.string().min(1).max(200).default("loss"),
  minimize: z
    .enum(["true", "false"])
    .default("true")
    .transform((text) => text === "true")
    .openapi({ type: "string", enum: ["true", "false"] }),
});

export const UploadVersion = z
  .object({
    checkpoint_id: z.uuid().toLowerCase(),
    model_id: z.uuid().toLowerCase(),
    metrics: z
      .record(z.string(), z.unknown())
      .optional()
      .openapi({ description: "The checkpoint's when absent." }),
  })
  .openapi("UploadCheckpointVersion");
export type UploadVersion = z.infer<typeof UploadVersion>;

export const UploadedVersion = z
  .object({
    version_id: z.uuid(),
    model_id: z.uuid(),
    version: z.number().int(),
    checkpoint_id: z.uuid(),
  })
  .openapi("UploadedCheckpointVersion");
export type UploadedVersion = z.infer<typeof UploadedVersion>;

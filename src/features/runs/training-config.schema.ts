import { z } from "#http/contract";

const EarlyStopping = z
  .object({
    patience: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .openapi({ description: "Epochs in a row that may pass without an improvement." }),
    min_delta: z
      .number()
      .min(0)
      .max(1e6)
      .default(0)
      .openapi({ description: "By how much the held-out loss must fall to count as improved." }),
    restore_best: z
      .boolean()
      .default(true)
      .openapi({ description: "Keep the parameters of the best epoch, not of the last." }),
    validation_fraction: z.number().gt(0).lt(0.9).default(0.15).openapi({
      description: "Share of the training rows that decides when to stop; the test rows never do.",
    }),
  })
  .openapi("EarlyStopping");

const ClassWeights = z
  .union([
    z.literal("balanced"),
    z
      .record(z.string().max(500), z.number().positive().max(1e6))
      .refine((weights) => Object.keys(weights).length <= 1000, "may have at most 1,000 classes"),
  ])
  .openapi({
    description:
      "`balanced` (rows / (classes × rows of the class)), or a weight by class; absent ones are 1.",
  });

const LrSchedule = z
  .object({
    type: z.enum(["constant", "step", "cosine"]).default("constant"),
    warmup_epochs: z
      .number()
      .int()
      .min(0)
      .max(10_000)
      .default(0)
      .openapi({ description: "Epochs over which the rate rises to `learning_rate`, in equal steps." }),
    step_epochs: z.number().int().min(1).max(10_000).default(10).openapi({ description: "For `step`." }),
    gamma: z
      .number()
      .gt(0)
      .max(1)
      .default(0.5)
      .openapi({ description: "For `step`: what the rate is multiplied by every `step_epochs`." }),
    min_lr: z
      .number()
      .min(0)
      .max(1000)
      .default(0)
      .openapi({ description: "For `cosine`: where the rate ends." }),
  })
  .openapi("LrSchedule");

/** Hyper-parameters. The trainer's are named; anything else is kept and given back as it came. */
export const TrainingConfig = z
  .looseObject({
    epochs: z.number().int().min(1).max(10_000),
    batch_size: z.number().int().min(1).max(1_000_000),
    learning_rate: z.number().positive().max(1000),
    optimizer: z.enum(["adam", "sgd"]).default("adam"),
    hidden: z
      .array(z.number().int().min(1).max(4096))
      .max(8)
      .default([])
      .openapi({ description: "Units per layer." }),
    seed: z
      .number()
      .int()
      .min(0)
      .max(2 ** 32 - 1)
      .default(0),
    test_fraction: z.number().gt(0).lt(0.9).default(0.2),
    target: z.string().min(1).max(500).optional().openapi({ description: "Column to predict." }),
    task: z.enum(["classification", "regression"]).optional(),
    early_stopping: EarlyStopping.optional(),
    class_weights: ClassWeights.optional(),
    k_folds: z
      .number()
      .int()
      .min(2)
      .max(20)
      .optional()
      .openapi({ description: "Cross-validates on as many folds before the final training." }),
    lr_schedule: LrSchedule.optional(),
  })
  .openapi("TrainingConfig");

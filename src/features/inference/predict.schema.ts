import { z } from "#http/contract";
import type { PredictionOutputs } from "./predict-outputs.ts";

const INPUTS = `One of:
- a number or a flat list: one row
- a list of lists: rows, values in the order of the model's features
- a list of objects: rows by feature name
- an object of lists: columns by feature name
- an object of tensors by input name: nested lists, or \`{data, shape, type?}\` with flat data

\`null\` stands for a missing value where the model declares the feature. At most 10,000 rows and 4 MB.`;

/** Only documents \`inputs\`: it is read by hand, since checking ten thousand rows here would cost more than running the model. */
export const PredictBody = z
  .object({
    inputs: z.unknown().openapi({ description: INPUTS, example: [[5.1, 3.5, 1.4, 0.2]] }),
    parameters: z
      .record(z.string(), z.unknown())
      .optional()
      .openapi({ description: "Accepted for compatibility; models here take none." }),
  })
  // The generator takes a value of unknown shape for an optional one.
  .openapi("PredictBody", { required: ["inputs"] });
export type PredictBody = z.infer<typeof PredictBody>;

export const Prediction = z
  .object({
    outputs: z.object({
      predictions: z.unknown().openapi({
        description:
          "The model's main output as nested lists, one entry for each row: probabilities or values. NaN and infinities go by name, whole numbers beyond 2^53 as text.",
        example: [[0.97, 0.02, 0.01]],
      }),
      output_shape: z.array(z.number().int()),
      model_loaded: z.literal(true),
      labels: z
        .array(z.string())
        .optional()
        .openapi({ description: "The class of each row, for models with classes." }),
      probabilities: z
        .array(z.record(z.string(), z.unknown()))
        .optional()
        .openapi({ description: "By class, for each row; left out where the values are no probabilities." }),
      named: z
        .record(z.string(), z.unknown())
        .optional()
        .openapi({ description: "Outputs that the fields above do not tell already, by name." }),
    }),
    model_version: z.string().openapi({ example: "v1" }),
    latency_ms: z.number().openapi({
      description: "From the request being read to the answer being ready, in whole milliseconds.",
    }),
  })
  .openapi("Prediction");

export interface Prediction {
  outputs: PredictionOutputs;
  model_version: string;
  latency_ms: number;
}

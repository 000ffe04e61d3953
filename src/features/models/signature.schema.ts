import { z } from "#http/contract";

const Dimension = z.union([z.number().int().min(0), z.string().min(1).max(200), z.null()]);

const Value = z.object({
  name: z.string().max(200),
  dtype: z.string().max(50),
  shape: z.array(Dimension).max(16).nullable(),
});

export const Signature = z
  .object({ inputs: z.array(Value).max(200), outputs: z.array(Value).max(200) })
  .openapi("ModelSignature", {
    description:
      "What a model takes and gives: from the file where it is ONNX, else what its owner says. A size that is not fixed is a name, or `null`.",
  });
export type Signature = z.infer<typeof Signature>;

import { z } from "#http/contract";

/** https://github.com/kserve/open-inference-protocol (REST), which Triton and KServe call V2. */
export const DATATYPES = [
  "BOOL",
  "UINT8",
  "INT8",
  "INT32",
  "INT64",
  "FP16",
  "FP32",
  "FP64",
  "BYTES",
] as const;
export type Datatype = (typeof DATATYPES)[number];

const Parameters = z.record(z.string(), z.unknown()).optional();

export const ServerMetadata = z
  .object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
  .openapi("V2Server");

export const Live = z.object({ live: z.boolean() }).openapi("V2Live");
export const Ready = z.object({ ready: z.boolean() }).openapi("V2Ready");
export const ModelReady = z.object({ name: z.string(), ready: z.boolean() }).openapi("V2ModelReady");

const TensorMetadata = z
  .object({
    name: z.string(),
    datatype: z.enum(DATATYPES),
    shape: z.array(z.number().int()).openapi({ description: "-1 for a size that is not fixed." }),
  })
  .openapi("V2TensorMetadata");

export const ModelMetadata = z
  .object({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(TensorMetadata),
    outputs: z.array(TensorMetadata),
  })
  .openapi("V2Model");
export type ModelMetadata = z.infer<typeof ModelMetadata>;

/** Only documents tensors: they are read by hand, since checking many values here would cost more than running the model. */
export const InferRequest = z
  .object({
    id: z.string().max(1000).optional(),
    parameters: Parameters,
    inputs: z.array(z.unknown()).openapi({
      description:
        "Each an object: `name`, `shape`, `datatype`, and `data` in row-major order, flat or nested.",
      example: [{ name: "features", shape: [1, 4], datatype: "FP32", data: [5.1, 3.5, 1.4, 0.2] }],
    }),
    outputs: z
      .array(z.object({ name: z.string(), parameters: Parameters }))
      .max(1000)
      .optional()
      .openapi({ description: "Those wanted; all when absent." }),
  })
  .openapi("V2InferRequest");
export type InferRequest = z.infer<typeof InferRequest>;

const ResponseOutput = z
  .object({
    name: z.string(),
    shape: z.array(z.number().int()),
    datatype: z.enum(DATATYPES),
    data: z.array(z.unknown()).openapi({
      description:
        "Flat, in row-major order. NaN and infinities go by name, whole numbers beyond 2^53 as text.",
    }),
  })
  .openapi("V2Output");

export const InferResponse = z
  .object({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional(),
    outputs: z.array(ResponseOutput),
  })
  .openapi("V2InferResponse");
export type InferResponse = z.infer<typeof InferResponse>;

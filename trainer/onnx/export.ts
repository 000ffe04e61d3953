import { METADATA_KEYS, PRODUCER_NAME } from "../model-metadata.ts";
import { describeFeatures, type Model } from "../model.ts";
import { buildGraph } from "./graph.ts";
import { encodeModel } from "../../src/kernel/formats/onnx-encode.ts";

const IR_VERSION = 8;
const OPSET = 17;
const ML_OPSET = 3;

/** The model as an ONNX file that takes raw, unscaled values; see METADATA_KEYS for what it says about itself. */
export function exportOnnx(model: Model): Uint8Array {
  return encodeModel({
    irVersion: IR_VERSION,
    producerName: PRODUCER_NAME,
    opsets: operatorSets(model),
    metadata: metadata(model),
    graph: buildGraph(model),
  });
}

function operatorSets(model: Model): Record<string, number> {
  return model.encoder.categorical.length > 0 ? { "": OPSET, "ai.onnx.ml": ML_OPSET } : { "": OPSET };
}

function metadata(model: Model): Record<string, string> {
  const props: Record<string, string> = {
    [METADATA_KEYS.task]: model.task,
    [METADATA_KEYS.target]: model.target,
    [METADATA_KEYS.features]: JSON.stringify(describeFeatures(model.encoder)),
  };
  if (model.classes) props[METADATA_KEYS.labels] = JSON.stringify(model.classes);
  return props;
}

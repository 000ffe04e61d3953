import * as ort from "onnxruntime-web/wasm";
import type {
  LoadReply,
  ModelRuntime,
  ModelSignature,
  RunReply,
  Tensor,
} from "../kernel/ports/model-pools.ts";
import { startEngine } from "./onnxruntime.engine.ts";
import { MalformedFile } from "../kernel/formats/byte-source.ts";
import { type ModelProto, readModelProto } from "./onnxruntime.model-proto.ts";
import { type Session, Sessions } from "./onnxruntime.sessions.ts";
import { refuseEndless, signatureOf } from "./onnxruntime.signature.ts";
import { fromOrt, toOrt } from "./onnxruntime.tensors.ts";
import { Turns } from "./onnxruntime.turns.ts";
import { WEIGHTS_PATH, withoutWeights } from "./onnxruntime.weights.ts";

/** A model ready to run. */
export interface LoadedModel extends Session {
  signature: ModelSignature;
  run(inputs: Record<string, Tensor>): Promise<Record<string, Tensor>>;
}

const MAX_SESSIONS = 100;
// Files of all sessions together; while one loads, it takes twice its size of the 96 MB heap.
const MAX_SESSION_BYTES = 40_000_000;

// Module level on purpose: all pools of an isolate share one wasm heap, and what an evicted object's field held would leak.
const sessions = new Sessions<LoadedModel>(MAX_SESSIONS, MAX_SESSION_BYTES);
// ONNX Runtime keeps one stack for all sessions and awaits in between: two interleaved runs would overwrite each other.
const turns = new Turns();

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const isOutOfMemory = (error: unknown): boolean =>
  /bad_alloc|failed to allocate|Can't create.*buffer/i.test(messageOf(error));

/** ONNX Runtime's own words without its call site and numbers. */
const reasonOf = (error: unknown): string =>
  isOutOfMemory(error)
    ? "there is not enough memory for it"
    : messageOf(error)
        .replace(/^.*?ERROR_MESSAGE:\s*/s, "")
        .replaceAll('"', "'")
        .slice(0, 500);

async function createModel(model: Uint8Array, proto: ModelProto): Promise<LoadedModel> {
  const externalData = [{ path: WEIGHTS_PATH, data: model }];
  const session = await ort.InferenceSession.create(withoutWeights(model), { externalData });
  try {
    const signature = signatureOf(proto, session.inputMetadata, session.outputMetadata);
    return {
      signature,
      sizeBytes: model.byteLength,
      release: () => session.release(),
      run: (inputs) => runSession(session, inputs),
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}

async function runSession(session: ort.InferenceSession, inputs: Record<string, Tensor>) {
  const feeds: Record<string, ort.Tensor> = {};
  for (const name in inputs) feeds[name] = toOrt(inputs[name]!);
  const results = await session.run(feeds);
  const outputs: Record<string, Tensor> = {};
  for (const name in results) outputs[name] = fromOrt(results[name]!);
  return outputs;
}

/** Does `work`; when memory runs out, once more without the oldest other session, and at last without any other. */
async function retryWithRoom<T>(work: () => Promise<T>, except?: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isOutOfMemory(error) || !(await sessions.releaseOldest(except))) throw error;
  }
  try {
    return await work();
  } catch (error) {
    if (!isOutOfMemory(error) || sessions.size <= (except === undefined ? 0 : 1)) throw error;
    while (await sessions.releaseOldest(except));
    return work();
  }
}

/** Reads and checks an ONNX file and makes it ready to run; throws what is wrong with it. Only inside a turn. */
export async function loadModel(model: Uint8Array): Promise<LoadedModel> {
  const proto = readModelProto(model);
  refuseEndless(proto);
  await startEngine();
  return createModel(model, proto);
}

async function load(versionId: string, model: Uint8Array): Promise<LoadReply> {
  const present = sessions.use(versionId);
  if (present) return { ok: true, signature: present.signature };
  try {
    await sessions.makeRoom(model.byteLength);
    const loaded = await retryWithRoom(() => loadModel(model));
    await sessions.add(versionId, loaded);
    return { ok: true, signature: loaded.signature };
  } catch (error) {
    const subject =
      error instanceof MalformedFile
        ? "The file is not a model that can be served: "
        : "The model cannot be loaded: ";
    return { ok: false, reason: `${subject}${reasonOf(error)}` };
  }
}

async function run(versionId: string, inputs: Record<string, Tensor>): Promise<RunReply> {
  const model = sessions.use(versionId);
  if (!model) return { ok: false, reason: "not_loaded", message: "The model is not in memory." };
  try {
    return { ok: true, outputs: await retryWithRoom(() => model.run(inputs), versionId) };
  } catch (error) {
    return { ok: false, reason: "failed", message: `The model failed: ${reasonOf(error)}` };
  }
}

/** ONNX Runtime Web as a library of sessions, one heap and one thread for the whole isolate. */
export const onnxRuntime: ModelRuntime = {
  isLoaded: (versionId) => sessions.has(versionId),
  load: (versionId, model) => turns.take(() => load(versionId, model)),
  run: (versionId, inputs) => turns.take(() => run(versionId, inputs)),
  release: (versionId) => turns.take(() => sessions.release(versionId)),
};

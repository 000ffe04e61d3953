import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import { answers } from "./endpoints.repo.ts";
import { endpointNotFound } from "./inference.errors.ts";
import { checkWanted, readTensors, tensorMetadata, writeTensors } from "./open-inference-tensors.ts";
import type { InferRequest, InferResponse, ModelMetadata } from "./open-inference.schema.ts";
import { findRunning, runEndpoint, type Running } from "./predict.service.ts";

const PLATFORM = "onnxruntime_onnx";

/** Open to all: says no more than whether calls make sense. */
export async function checkReady(ctx: Ctx): Promise<void> {
  if (await answers(ctx.db)) return;
  throw new AppError("unavailable", "NOT_READY", "The server takes no calls now.", { retry_after: 5 });
}

/** An endpoint serves one version at a time; asking for another is asking for what is not there. */
function checkVersion({ serving }: Running, version: string | undefined): void {
  if (version !== undefined && version !== String(serving.version)) throw endpointNotFound();
}

export async function modelMetadata(ctx: Ctx, name: string, version?: string): Promise<ModelMetadata> {
  allow(ctx, "inference:predict");
  const running = await findRunning(ctx, name);
  checkVersion(running, version);
  const { signature, serving } = running;
  return {
    ...{ name, versions: [String(serving.version)], platform: PLATFORM },
    inputs: signature.inputs.map(tensorMetadata),
    outputs: signature.outputs.map(tensorMetadata),
  };
}

/** Brings the endpoint up where its pool had lost it, or says why it takes no calls. */
export async function checkModelReady(ctx: Ctx, name: string, version?: string): Promise<void> {
  allow(ctx, "inference:predict");
  checkVersion(await findRunning(ctx, name), version);
}

/** Runs a model on tensors by name. */
export async function infer(
  ctx: Ctx,
  name: string,
  request: InferRequest,
  version?: string,
): Promise<InferResponse> {
  allow(ctx, "inference:predict");
  if (version !== undefined) checkVersion(await findRunning(ctx, name), version);
  const { serving, signature, outputs } = await runEndpoint(ctx, name, (model) => {
    checkWanted(model, request.outputs);
    return readTensors(model, request.inputs);
  });
  return {
    ...{ model_name: name, model_version: String(serving.version) },
    ...(request.id !== undefined && { id: request.id }),
    outputs: writeTensors(signature, outputs, request.outputs),
  };
}

import { allow, scopeOf } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { AppError } from "../../kernel/errors.ts";
import type {
  ModelPoolHandle,
  ModelSignature,
  PredictRefusal,
  PredictReply,
  Tensor,
} from "../../kernel/ports/model-pools.ts";
import { isStuck, startInPool, STUCK_TEXT } from "./endpoint-lifecycle.service.ts";
import { findByName } from "./endpoints.repo.ts";
import * as errors from "./inference.errors.ts";
import { parseInputs } from "./predict-inputs.ts";
import { presentOutputs } from "./predict-outputs.ts";
import type { PredictBody, Prediction } from "./predict.schema.ts";
import {
  cachedServing,
  cachedSignature,
  cacheServing,
  cacheSignature,
  forgetServing,
  type Serving,
} from "./serving-cache.ts";

const STUCK = { status: "error", errorMessage: STUCK_TEXT } as const;

async function readServing(ctx: Ctx, name: string): Promise<Serving> {
  const row = await findByName(ctx.db, name);
  if (!row) throw errors.endpointNotFound();
  const { id: endpointId, modelVersionId: versionId, ownerId, version } = row;
  const { status, errorMessage } = isStuck(row, ctx.now) ? STUCK : row;
  const serving = { endpointId, ownerId, versionId, version, status, errorMessage };
  cacheServing(name, serving, ctx.now);
  return serving;
}

async function readSignature(
  ctx: Ctx,
  pool: ModelPoolHandle,
  { versionId }: Serving,
): Promise<ModelSignature | undefined> {
  const signature = await pool.signature();
  if (!signature) return undefined;
  cacheSignature(versionId, signature, ctx.now);
  return signature;
}

/** The endpoint of that name, if it is the caller's and running as far as is known. */
function checked(ctx: Ctx, name: string, serving: Serving): Serving {
  const scope = scopeOf(allow(ctx, "inference:predict"));
  if (scope !== null && scope !== serving.ownerId) throw errors.endpointNotFound();
  if (serving.status === "running") return serving;
  forgetServing(name);
  if (serving.status === "starting") throw errors.endpointStarting(name);
  throw errors.endpointNotRunning(name, serving.status, serving.errorMessage);
}

/** The database says it runs and the pool knows nothing of it: the pool's memory was lost, so it is started again. */
async function revive(ctx: Ctx, name: string): Promise<Serving> {
  forgetServing(name);
  const row = await findByName(ctx.db, name);
  if (!row) throw errors.endpointNotFound();
  const serving = checked(ctx, name, await readServing(ctx, name));
  const reply = await startInPool(ctx, row);
  if (!reply.ok) throw errors.modelGone(reply.reason);
  ctx.log("warn", "endpoint.revived", { endpoint_id: row.id });
  return serving;
}

/** Counts bad input that never reached the pool, after the answer. */
function parse(
  ctx: Ctx,
  pool: ModelPoolHandle,
  serving: Serving,
  signature: ModelSignature,
  inputs: unknown,
) {
  try {
    return parseInputs(signature, inputs);
  } catch (error) {
    if (error instanceof AppError)
      ctx.background("inference.count_invalid", pool.countInvalid(serving.endpointId));
    throw error;
  }
}

const REFUSALS: Record<Exclude<PredictRefusal, "not_running">, (message: string) => AppError> = {
  busy: errors.endpointBusy,
  invalid_input: (message) => errors.invalidInput(message),
  not_loadable: errors.modelGone,
  timeout: errors.predictionTimedOut,
  failed: errors.predictionFailed,
};

interface Answer {
  reply: PredictReply;
  signature: ModelSignature;
}

const UNKNOWN: PredictReply = { ok: false, reason: "not_running", message: "" };

async function ask(ctx: Ctx, serving: Serving, inputs: unknown): Promise<Answer | undefined> {
  const pool = ctx.pools.of(serving.versionId);
  const signature = cachedSignature(serving.versionId, ctx.now) ?? (await readSignature(ctx, pool, serving));
  if (!signature) return undefined;
  const tensors: Record<string, Tensor> = parse(ctx, pool, serving, signature, inputs);
  const reply = await pool.predict(serving.endpointId, tensors);
  return reply.ok || reply.reason !== "not_running" ? { reply, signature } : undefined;
}

/** Runs the model behind a name. With everything warm this is one call to the pool and no query. */
export async function predict(ctx: Ctx, name: string, { inputs }: PredictBody): Promise<Prediction> {
  allow(ctx, "inference:predict");
  const startedAt = Date.now();
  let serving = checked(ctx, name, cachedServing(name, ctx.now) ?? (await readServing(ctx, name)));
  let answer = await ask(ctx, serving, inputs);
  if (!answer) {
    serving = await revive(ctx, name);
    answer = await ask(ctx, serving, inputs);
  }
  const { reply, signature } = answer ?? { reply: UNKNOWN, signature: undefined };
  if (!reply.ok && reply.reason !== "not_running") throw REFUSALS[reply.reason](reply.message);
  if (!reply.ok || !signature) throw errors.endpointNotRunning(name, "stopped", null);
  return {
    outputs: presentOutputs(signature, reply.outputs),
    model_version: `v${serving.version}`,
    latency_ms: Date.now() - startedAt,
  };
}

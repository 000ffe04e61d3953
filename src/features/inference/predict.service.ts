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

/** What the model takes and gives, as its pool has it; nothing when the pool knows of none. */
const signatureOf = async (ctx: Ctx, pool: ModelPoolHandle, serving: Serving) =>
  cachedSignature(serving.versionId, ctx.now) ?? (await readSignature(ctx, pool, serving));

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

/** Makes tensors of what a caller sent, once it is known what the model takes. */
export type ReadInputs = (signature: ModelSignature) => Record<string, Tensor>;

/** Counts bad input that never reached the pool, after the answer. */
function parse(
  ctx: Ctx,
  pool: ModelPoolHandle,
  serving: Serving,
  signature: ModelSignature,
  read: ReadInputs,
) {
  try {
    return read(signature);
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

async function ask(ctx: Ctx, serving: Serving, read: ReadInputs): Promise<Answer | undefined> {
  const pool = ctx.pools.of(serving.versionId);
  const signature = await signatureOf(ctx, pool, serving);
  if (!signature) return undefined;
  const tensors = parse(ctx, pool, serving, signature, read);
  const reply = await pool.predict(serving.endpointId, tensors);
  return reply.ok || reply.reason !== "not_running" ? { reply, signature } : undefined;
}

/** A model that is up, and what it takes and gives. */
export interface Running {
  serving: Serving;
  signature: ModelSignature;
}

/** What a model answered, with what is needed to say it. */
export interface Ran extends Running {
  outputs: Record<string, Tensor>;
  latencyMs: number;
}

/** Runs the model behind a name. With everything warm this is one call to the pool and no query. */
export async function runEndpoint(ctx: Ctx, name: string, read: ReadInputs): Promise<Ran> {
  allow(ctx, "inference:predict");
  const startedAt = Date.now();
  let serving = checked(ctx, name, cachedServing(name, ctx.now) ?? (await readServing(ctx, name)));
  let answer = await ask(ctx, serving, read);
  if (!answer) {
    serving = await revive(ctx, name);
    answer = await ask(ctx, serving, read);
  }
  const { reply, signature } = answer ?? { reply: UNKNOWN, signature: undefined };
  if (!reply.ok && reply.reason !== "not_running") throw REFUSALS[reply.reason](reply.message);
  if (!reply.ok || !signature) throw errors.endpointNotRunning(name, "stopped", null);
  return { serving, signature, outputs: reply.outputs, latencyMs: Date.now() - startedAt };
}

/** The model behind a name, brought up where its pool had lost it. */
export async function findRunning(ctx: Ctx, name: string): Promise<Running> {
  allow(ctx, "inference:predict");
  const known = checked(ctx, name, cachedServing(name, ctx.now) ?? (await readServing(ctx, name)));
  const present = await signatureOf(ctx, ctx.pools.of(known.versionId), known);
  if (present) return { serving: known, signature: present };
  const serving = await revive(ctx, name);
  const signature = await signatureOf(ctx, ctx.pools.of(serving.versionId), serving);
  if (!signature) throw errors.endpointNotRunning(name, "stopped", null);
  return { serving, signature };
}

export async function predict(ctx: Ctx, name: string, { inputs }: PredictBody): Promise<Prediction> {
  const ran = await runEndpoint(ctx, name, (signature) => parseInputs(signature, inputs));
  return {
    outputs: presentOutputs(ran.signature, ran.outputs),
    model_version: `v${ran.serving.version}`,
    latency_ms: ran.latencyMs,
  };
}

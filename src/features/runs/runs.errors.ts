import type { RunStatus } from "../../db/schema.ts";
import { AppError } from "../../kernel/errors.ts";

export const runNotFound = () => new AppError("not_found", "RUN_NOT_FOUND", "There is no such run.");

export const runFinished = (status: RunStatus) =>
  new AppError("conflict", "RUN_FINISHED", `The run is ${status}; that is final.`, { status });

export const keyReused = () =>
  new AppError(
    "invalid",
    "IDEMPOTENCY_KEY_REUSED",
    "Something else was stored under this idempotency key; nothing of this was.",
  );

export const runNotYours = () =>
  new AppError(
    "conflict",
    "RUN_HELD_BY_AGENT",
    "An agent trains this run and reports its end; stop it instead.",
  );

export const leaseLost = () =>
  new AppError("conflict", "LEASE_LOST", "This agent does not hold the run any more; end its process.");

export const agentOccupied = () =>
  new AppError(
    "conflict",
    "AGENT_OCCUPIED",
    "Another program is connected under this agent's token; its runs are that one's.",
  );

export const datasetUnknown = () =>
  new AppError("invalid", "DATASET_UNKNOWN", "`dataset_id` is not a dataset of yours.");

export const versionUnknown = () =>
  new AppError("invalid", "VERSION_UNKNOWN", "A `model_version_id` is not a model version of yours.");

export const datasetMissing = () =>
  new AppError("invalid", "DATASET_MISSING", "A run for an agent needs a `dataset_id` to train on.");

export const fileUnknown = () => new AppError("not_found", "FILE_UNKNOWN", "The run has no such file.");

export const fileGone = (as: string) =>
  new AppError("not_found", "FILE_GONE", `What the run wanted as ${as} was deleted.`);

export const artifactNotFound = () =>
  new AppError("not_found", "ARTIFACT_NOT_FOUND", "The run has no such artifact.");

export const artifactPath = () =>
  new AppError(
    "invalid",
    "ARTIFACT_PATH",
    "An artifact needs a relative path without `..`, backslashes or control characters, 512 bytes at most.",
  );

export const digestMismatch = () =>
  new AppError(
    "invalid",
    "DIGEST_MISMATCH",
    "What arrived does not have the SHA-256 that was said; nothing was kept.",
  );

export const tooManyArtifacts = (most: number) =>
  new AppError("conflict", "TOO_MANY_ARTIFACTS", `A run may have at most ${most} artifacts.`);

export const notAModel = () =>
  new AppError(
    "invalid",
    "NOT_A_MODEL",
    "Only artifacts named .onnx or .safetensors, and not empty, become model versions.",
  );

export const datasetGone = () => new AppError("not_found", "DATASET_GONE", "The run's dataset was deleted.");

export const ticketInvalid = () =>
  new AppError("unauthenticated", "TICKET_INVALID", "The ticket is unknown, used or older than a minute.");

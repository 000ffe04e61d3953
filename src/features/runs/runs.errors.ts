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

export const datasetUnknown = () =>
  new AppError("invalid", "DATASET_UNKNOWN", "`dataset_id` is not a dataset of yours.");

export const datasetMissing = () =>
  new AppError("invalid", "DATASET_MISSING", "A run for an agent needs a `dataset_id` to train on.");

export const datasetGone = () => new AppError("not_found", "DATASET_GONE", "The run's dataset was deleted.");

export const tokenInUrl = () =>
  new AppError(
    "bad_request",
    "TOKEN_IN_URL",
    "Tokens do not belong in addresses; use Sec-WebSocket-Protocol or a ticket from stream-ticket.",
  );
export const ticketInvalid = () =>
  new AppError("unauthenticated", "TICKET_INVALID", "The ticket is unknown, used or older than a minute.");

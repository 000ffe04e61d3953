import { AppError, type ErrorDetails } from "../../kernel/errors.ts";
import type { Endpoint } from "./endpoints.schema.ts";

export const endpointNotFound = () =>
  new AppError("not_found", "ENDPOINT_NOT_FOUND", "There is no such endpoint.");

export const endpointNameTaken = (name: string) =>
  new AppError("conflict", "ENDPOINT_NAME_TAKEN", `There is an endpoint named ${name} already.`);

/** The endpoint is kept in state `error`; the details show it. */
export const modelNotLoadable = (reason: string, endpoint: Endpoint) =>
  new AppError("invalid", "MODEL_NOT_LOADABLE", reason, { endpoint });

export const startOvertaken = () =>
  new AppError("conflict", "ENDPOINT_CHANGED", "The endpoint was stopped or deleted while it was starting.");

export const endpointNotRunning = (name: string, status: string, reason: string | null) =>
  new AppError(
    "conflict",
    "ENDPOINT_NOT_RUNNING",
    `The endpoint ${name} is not running (${status})${reason ? `: ${reason}` : "; start it first."}`,
    { status, ...(reason !== null && { reason }) },
  );

export const endpointStarting = (name: string) =>
  new AppError("unavailable", "ENDPOINT_STARTING", `The endpoint ${name} is starting; try again.`, {
    retry_after: 2,
  });

export const endpointBusy = (message: string) =>
  new AppError("rate_limited", "ENDPOINT_BUSY", message, { retry_after: 1 });

export const predictionTimedOut = (message: string) =>
  new AppError("unavailable", "PREDICTION_TIMEOUT", message, { retry_after: 1 });

export const modelGone = (message: string) =>
  new AppError("unavailable", "MODEL_NOT_LOADABLE", message, { retry_after: 5 });

export const predictionFailed = (message: string) => new AppError("invalid", "PREDICTION_FAILED", message);

export const invalidInput = (message: string, details?: ErrorDetails) =>
  new AppError("invalid", "INVALID_INPUT", message, details);

export const binaryTensors = () =>
  new AppError(
    "not_supported",
    "BINARY_TENSORS",
    "Tensors are taken and given as JSON here: turn the binary data extension off.",
  );

import { AppError, invalidFields } from "../../kernel/errors.ts";

export const notebookNotFound = () =>
  new AppError("not_found", "NOTEBOOK_NOT_FOUND", "There is no such notebook.");
export const cellNotFound = () =>
  new AppError("not_found", "CELL_NOT_FOUND", "The notebook has no such cell.");
export const checkpointNotFound = () =>
  new AppError("not_found", "CHECKPOINT_NOT_FOUND", "The notebook has no such checkpoint.");
export const noBestCheckpoint = (metric: string) =>
  new AppError("not_found", "CHECKPOINT_NOT_FOUND", `No checkpoint has a number for the metric ${metric}.`);
export const cellNotCode = () => new AppError("invalid", "CELL_NOT_CODE", "Only code cells can be run.");
export const cellBusy = () => new AppError("conflict", "CELL_BUSY", "The cell runs or waits to run already.");
export const notebookRunning = () =>
  new AppError("conflict", "NOTEBOOK_RUNNING", "All cells are being run already; stop that first.");
export const notebookStopping = () =>
  new AppError("conflict", "NOTEBOOK_STOPPING", "The notebook is being stopped; try again when it has.");
export const queueFull = () => new AppError("conflict", "QUEUE_FULL", "Too many cells wait to run already.");
export const cancelled = () =>
  new AppError("conflict", "EXECUTION_CANCELLED", "The notebook was stopped before the cell's turn came.");
export const kernelUnavailable = (reason: string) =>
  new AppError("unavailable", "KERNEL_UNAVAILABLE", reason, { retry_after: 10 });
export const tooManyCells = (max: number) =>
  new AppError("invalid", "TOO_MANY_CELLS", `A notebook may have at most ${max} cells.`);
export const duplicateCell = (id: string) =>
  invalidFields("body", [{ path: "cells", message: `has the id ${id} twice` }]);
export const unreadable = (why: string) =>
  new AppError("invalid", "NOTEBOOK_UNREADABLE", `This is no notebook: ${why}.`);
export const metricsUnreadable = () =>
  invalidFields("query", [{ path: "metrics", message: "must be JSON, nested at most 64 levels deep" }]);
export const metricsUnsearchable = (place: "query" | "body") =>
  invalidFields(place, [{ path: "metrics", message: "must not hold NUL or broken characters" }]);
export const stateNotBase64 = (path: string) => invalidFields("body", [{ path, message: "must be base64" }]);
export const stateEmpty = () => new AppError("invalid", "FILE_EMPTY", "The state is empty.");
export const optimizerThere = () =>
  new AppError("conflict", "OPTIMIZER_STATE_EXISTS", "The checkpoint has an optimizer state already.");
export const optimizerMissing = () =>
  new AppError("not_found", "OPTIMIZER_STATE_NOT_FOUND", "The checkpoint has no optimizer state.");
export const ticketInvalid = () =>
  new AppError("unauthenticated", "TICKET_INVALID", "The ticket is unknown, used or older than a minute.");

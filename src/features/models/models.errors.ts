import { AppError, type ErrorDetails } from "../../kernel/errors.ts";

export const modelNotFound = () => new AppError("not_found", "MODEL_NOT_FOUND", "There is no such model.");
export const versionNotFound = () =>
  new AppError("not_found", "MODEL_VERSION_NOT_FOUND", "There is no such version of this model.");
export const modelNameTaken = (name: string) =>
  new AppError("conflict", "MODEL_NAME_TAKEN", `You have a model named ${name} already.`);
export const aliasNotFound = () =>
  new AppError("not_found", "MODEL_ALIAS_NOT_FOUND", "No version of this model has that name.");
export const tooManyAliases = (limit: number) =>
  new AppError("conflict", "TOO_MANY_ALIASES", `A model may have at most ${limit} aliases.`, { limit });
/** `details` name the endpoints that the caller may know of. */
export const versionInUse = (details?: ErrorDetails) =>
  new AppError(
    "conflict",
    "MODEL_VERSION_IN_USE",
    "An inference endpoint serves this; delete the endpoint first.",
    details,
  );
export const metricsNotJson = () =>
  new AppError("invalid", "VALIDATION_FAILED", "The field `metrics` must be a JSON object.", {
    in: "form",
    fields: [{ path: "metrics", message: "must be a JSON object" }],
  });
export const emptyFile = () => new AppError("invalid", "FILE_EMPTY", "The file is empty.");
export const runUnknown = () =>
  new AppError("invalid", "RUN_UNKNOWN", "`training_run_id` is not a run of yours.");

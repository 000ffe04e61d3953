import { AppError } from "../../kernel/errors.ts";

export const datasetNotFound = () =>
  new AppError("not_found", "DATASET_NOT_FOUND", "There is no such dataset.");

export const builtinNotFound = (id: string) =>
  new AppError("not_found", "BUILTIN_DATASET_NOT_FOUND", `There is no built-in dataset named ${id}.`);

export const builtinNotShipped = (id: string) =>
  new AppError(
    "not_supported",
    "BUILTIN_DATASET_NOT_SHIPPED",
    `${id} is in the catalogue but not shipped; upload it instead.`,
  );

export const emptyFile = () => new AppError("invalid", "FILE_EMPTY", "The file is empty.");

const badField = (path: string, message: string) =>
  new AppError("invalid", "VALIDATION_FAILED", `The form is not valid: ${path}: ${message}`, {
    in: "form",
    fields: [{ path, message }],
  });
export const fieldInvalid = badField;

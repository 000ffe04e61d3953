import { AppError, invalidFields } from "../../kernel/errors.ts";

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

export const fieldInvalid = (path: string, message: string) => invalidFields("form", [{ path, message }]);

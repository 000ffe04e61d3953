import { AppError } from "../../kernel/errors.ts";
import type { PlannedPart } from "./part-plan.ts";

export const uploadNotFound = () =>
  new AppError("not_found", "UPLOAD_NOT_FOUND", "There is no such upload, or its day is over.");
export const partNotFound = (count: number) =>
  new AppError("not_found", "PART_NOT_FOUND", `The upload has the parts 1 to ${count}.`, {
    part_count: count,
  });
export const fileTooLarge = (maxBytes: number) =>
  new AppError("too_large", "FILE_TOO_LARGE", `A file may have at most ${maxBytes} bytes here.`, {
    max_bytes: maxBytes,
  });
export const tooManyUploads = (limit: number) =>
  new AppError("conflict", "TOO_MANY_UPLOADS", `You have ${limit} uploads under way; end one first.`, {
    limit,
  });
export const wrongPartSize = ({ number, size }: PlannedPart) =>
  new AppError("invalid", "PART_SIZE_WRONG", `Part ${number} has to have ${size} bytes.`, { number, size });
export const uploadNotOpen = () =>
  new AppError("conflict", "UPLOAD_NOT_OPEN", "The upload takes no parts any more.");
export const uploadIsDirect = () =>
  new AppError("conflict", "UPLOAD_IS_DIRECT", "The parts of this upload go to the addresses it names.");
/** `numbers` are the parts that are missing, or other than they have to be. */
export const partsMissing = (numbers: number[]) =>
  new AppError(
    "conflict",
    "UPLOAD_PARTS_MISSING",
    `Parts are missing, or not as they should be: ${numbers.length}.`,
    {
      parts: numbers.slice(0, 100),
      count: numbers.length,
    },
  );
export const partsRefused = () =>
  new AppError("conflict", "UPLOAD_PARTS_REFUSED", "The store has other parts than these; send them again.");
export const uploadLost = () =>
  new AppError("conflict", "UPLOAD_LOST", "The store does not have this upload any more; begin anew.");
export const digestMismatch = () =>
  new AppError(
    "invalid",
    "DIGEST_MISMATCH",
    "The file that arrived is not the one announced (SHA-256 or size); it was dropped. Begin anew.",
  );
export const uploadDone = () =>
  new AppError("conflict", "UPLOAD_DONE", "The upload is complete; delete the version it became instead.");

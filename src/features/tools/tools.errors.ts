import { AppError } from "../../kernel/errors.ts";

export const unreadable = (why: string) =>
  new AppError("invalid", "MODEL_FILE_INVALID", `The file of this version cannot be used: ${why}.`);
export const formatUnknown = () =>
  new AppError(
    "invalid",
    "MODEL_FORMAT_UNKNOWN",
    "The file of this version is of none of the formats that are known here.",
  );
export const noWeights = () =>
  new AppError("invalid", "MODEL_HAS_NO_TENSORS", "The file of this version holds no tensors.");
export const targetUnknown = (field: string, given: string, known: readonly string[]) =>
  new AppError(
    "invalid",
    "TARGET_UNKNOWN",
    `\`${field}\` must be one of ${known.join(", ")}; ${given} is none.`,
    {
      in: "body",
      fields: [{ path: field, message: `must be one of ${known.join(", ")}` }],
    },
  );
export const notMade = (what: string, why: string) =>
  new AppError("not_supported", "TARGET_NOT_SUPPORTED", `${what} is not made here: ${why}.`);

/** What went wrong, independent of HTTP; the one kind→status table lives in `http/render-error.ts`. */
export type ErrorKind =
  | "bad_request"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "too_large"
  | "unsupported_media"
  | "range_not_satisfiable"
  | "invalid"
  | "rate_limited"
  | "not_supported"
  | "upstream"
  | "unavailable";

export type ErrorDetails = Record<string, unknown>;

/** A refusal the caller may read: `code` is UPPER_SNAKE and stable, `message` is for people. */
export class AppError extends Error {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly details: ErrorDetails | undefined;

  constructor(kind: ErrorKind, code: string, message: string, details?: ErrorDetails) {
    super(message);
    this.name = "AppError";
    this.kind = kind;
    this.code = code;
    this.details = details;
  }
}

export interface FieldFault {
  path: string;
  message: string;
}

/** The 422 for input that can be read but breaks a rule, with the fields that do; `where` is body, form, query or header. */
export function invalidFields(where: string, fields: FieldFault[]): AppError {
  const [first] = fields;
  const text = first ? `${first.path || where}: ${first.message}` : "unreadable";
  return new AppError("invalid", "VALIDATION_FAILED", `The ${where} is not valid: ${text}`, {
    in: where,
    fields,
  });
}

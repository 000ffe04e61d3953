import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError, type ErrorKind } from "../kernel/errors.ts";
import { isUnstorableText } from "../kernel/postgres-error.ts";
import type { AppContext } from "./context.ts";

const STATUS: Record<ErrorKind, ContentfulStatusCode> = {
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_media: 415,
  range_not_satisfiable: 416,
  invalid: 422,
  rate_limited: 429,
  not_supported: 501,
  upstream: 502,
  unavailable: 503,
};

const HTTP_KINDS: Record<number, [ErrorKind, string]> = {
  400: ["bad_request", "BAD_REQUEST"],
  413: ["too_large", "BODY_TOO_LARGE"],
  415: ["unsupported_media", "UNSUPPORTED_MEDIA_TYPE"],
};

const unstorableText = () =>
  new AppError(
    "invalid",
    "TEXT_NOT_STORABLE",
    "A text holds what cannot be stored: the character U+0000 or half of a surrogate pair.",
  );

/** The framework's and the database's refusals of what a client sent, in our words; anything else stays unknown. */
function known(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (isUnstorableText(error)) return unstorableText();
  if (!(error instanceof HTTPException)) return undefined;
  const [kind, code] = HTTP_KINDS[error.status] ?? [];
  return kind && code ? new AppError(kind, code, error.message) : undefined;
}

/** What HTTP wants said in a header besides the body (RFC 9110). */
function headersOf({ kind, details = {} }: AppError): Record<string, string> {
  const { retry_after, limit, allow, size } = details;
  const isLimited = kind === "rate_limited" && typeof limit === "number";
  return {
    ...(kind === "unauthenticated" && { "www-authenticate": "Bearer" }),
    ...(kind === "range_not_satisfiable" && { "content-range": `bytes */${String(size)}` }),
    ...(typeof retry_after === "number" && { "retry-after": String(retry_after) }),
    // Of the limit that refused, whatever others that let the request pass have said.
    ...(isLimited && {
      "ratelimit-limit": String(limit),
      "ratelimit-remaining": "0",
      "ratelimit-reset": String(retry_after),
    }),
    ...(Array.isArray(allow) && { allow: allow.join(", ") }),
  };
}

/** The one place where an error becomes bytes: `{error, code, details?, request_id}`. */
export function renderError(error: unknown, c: AppContext): Response {
  const requestId = c.get("requestId");
  const refusal = known(error);
  if (!refusal) {
    c.get("log")("error", "request.failed", { error, path: c.req.path });
    const body = { error: "Something went wrong on our side.", code: "INTERNAL", request_id: requestId };
    return c.json(body, 500);
  }
  const { kind, code, message, details } = refusal;
  c.set("refusal", code);
  return c.json(
    { error: message, code, ...(details && { details }), request_id: requestId },
    STATUS[kind],
    headersOf(refusal),
  );
}

import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { AppError, type ErrorKind } from "../kernel/errors.ts";
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

/** The framework's own refusals (malformed JSON, oversized body) in our words; anything else stays unknown. */
function known(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (!(error instanceof HTTPException)) return undefined;
  const [kind, code] = HTTP_KINDS[error.status] ?? [];
  return kind && code ? new AppError(kind, code, error.message) : undefined;
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
  const headers: Record<string, string> = kind === "unauthenticated" ? { "www-authenticate": "Bearer" } : {};
  if (typeof details?.retry_after === "number") headers["retry-after"] = String(details.retry_after);
  return c.json(
    { error: message, code, ...(details && { details }), request_id: requestId },
    STATUS[kind],
    headers,
  );
}

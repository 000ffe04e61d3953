import { bodyLimit } from "hono/body-limit";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import { AppError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { AppEnv } from "./context.ts";

const SANE_REQUEST_ID = /^[\w.:-]{8,128}$/;

/** The client's `x-request-id` when it is sane, a new one otherwise. */
export function requestIdOf({ headers }: Request): string {
  const sent = headers.get("x-request-id");
  return sent && SANE_REQUEST_ID.test(sent) ? sent : crypto.randomUUID();
}

/** Gives every request its id, and says it back. */
export const requestId = (logFor: (requestId: string) => Log) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const id = requestIdOf(c.req.raw);
    c.set("requestId", id);
    c.set("log", logFor(id));
    await next();
    // A WebSocket answer (101) has immutable headers. Not `c.header`, which would copy the whole response.
    if (c.res.status !== 101) c.res.headers.set("x-request-id", id);
  });

/** One line per request: what was asked, what came of it, how long it took. Never a query string. */
export const requestLog = createMiddleware<AppEnv>(async (c, next) => {
  const started = Date.now();
  await next();
  const { method, path } = c.req;
  c.get("log")(c.res.status >= 500 ? "error" : "info", "request", {
    method,
    path,
    status: c.res.status,
    duration_ms: Date.now() - started,
  });
});

/** For every answer: it is read over TLS, as the type it says, in no frame, and tells no one where it came from. */
const SECURITY_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["permissions-policy", "camera=(), geolocation=(), microphone=()"],
  ["referrer-policy", "no-referrer"],
  ["strict-transport-security", "max-age=31536000; includeSubDomains"],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  ["x-xss-protection", "0"],
];

/** For pages besides; to whoever reads data they mean nothing, and each costs a call 3 µs. */
const PAGE_HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["origin-agent-cluster", "?1"],
];

/** Data runs nothing. A page says its own content policy. */
const DATA_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'";

// Not Hono's `secureHeaders`, which works its fixed answer out anew for each request: 36 µs of a 700 µs call.
export const securityHeaders = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  // A WebSocket answer has immutable headers, and no page to protect.
  if (c.res.status === 101) return;
  const { headers } = c.res;
  for (const [name, value] of SECURITY_HEADERS) headers.set(name, value);
  if (!headers.has("content-security-policy")) headers.set("content-security-policy", DATA_CONTENT_POLICY);
  else for (const [name, value] of PAGE_HEADERS) headers.set(name, value);
});

/** Cross-origin calls from the configured dashboards only; `*` allows any (without credentials). */
export function crossOrigin(allowed: ReadonlySet<string>) {
  const answer = createCors(allowed);
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.req.header("origin") !== undefined) return answer(c, next);
    // Programs name no origin and need none of it, but caches must know that the answer depends on it.
    await next();
    if (c.res.status !== 101) c.res.headers.append("vary", "Origin");
  });
}

const createCors = (allowed: ReadonlySet<string>) =>
  cors({
    origin: (origin) => (allowed.has("*") ? "*" : allowed.has(origin) ? origin : null),
    allowMethods: ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"],
    allowHeaders: [
      "authorization",
      "content-type",
      "idempotency-key",
      "range",
      "if-none-match",
      "x-request-id",
      "x-api-token",
    ],
    exposeHeaders: [
      "link",
      "etag",
      "content-range",
      "content-disposition",
      "x-request-id",
      "retry-after",
      "ratelimit-limit",
      "ratelimit-remaining",
      "ratelimit-reset",
    ],
    maxAge: 600,
  });

const tooLarge = (maxBytes: number) => () => {
  throw new AppError("too_large", "BODY_TOO_LARGE", `The body may have at most ${maxBytes} bytes here.`);
};

/** Bounds ordinary bodies; the streaming upload routes count for themselves. */
export function jsonBodyLimit(maxBytes: number, isUpload: (method: string, path: string) => boolean) {
  const refuse = tooLarge(maxBytes);
  const limit = bodyLimit({ maxSize: maxBytes, onError: refuse });
  return createMiddleware<AppEnv>(async (c, next) => {
    if (isUpload(c.req.method, c.req.path)) return next();
    const length = c.req.header("content-length");
    // A body that says its length need not be opened to be judged.
    if (length === undefined || c.req.header("transfer-encoding") !== undefined) return limit(c, next);
    return Number(length) > maxBytes ? refuse() : next();
  });
}

const BODY_TYPES =
  /^(application\/(?:[\w.+-]+\+)?json|application\/octet-stream|multipart\/form-data)\s*(?:;|$)/i;

/** Refuses bodies in a form no route reads, instead of treating them as empty. */
export const mediaTypes = createMiddleware<AppEnv>(async (c, next) => {
  const hasBody =
    Number(c.req.header("content-length") ?? 0) > 0 || c.req.header("transfer-encoding") !== undefined;
  const type = c.req.header("content-type");
  if (hasBody && type !== undefined && !BODY_TYPES.test(type)) {
    throw new AppError(
      "unsupported_media",
      "UNSUPPORTED_MEDIA_TYPE",
      "Send JSON (content-type: application/json).",
    );
  }
  await next();
});

const DRAINED_BYTES = 1_000_000;
const DRAINING_MS = 1_000;

/**
 * Reads what a refusal left of a small body. A connection that is closed with a body unread is reset, and the client
 * may get to see that instead of the answer.
 */
export const drainRefused = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  if (c.res.status < 400) return;
  const { body } = c.req.raw;
  if (!body || body.locked) return;
  if (Number(c.req.header("content-length") ?? Infinity) > DRAINED_BYTES) return;
  const late = new Promise((resolve) => setTimeout(resolve, DRAINING_MS));
  await Promise.race([body.pipeTo(new WritableStream()), late]).catch(() => undefined);
});

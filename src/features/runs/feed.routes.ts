import {
  createRoute,
  errors,
  IdParam,
  json,
  jsonBody,
  nextLink,
  signedIn,
  Timestamp,
  z,
} from "#http/contract";
import { createRouter } from "#http/router";
import type { LogLine, MetricPosition } from "../../kernel/ports/run-feeds.ts";
import * as service from "./feed.service.ts";
import { presentPoint } from "./metric-wire.ts";
import { MetricPointBody, MetricPointOut } from "./runs.schema.ts";

export const feedRoutes = createRouter();
const tags = ["Training runs"];
const security = [...signedIn, { icToken: [] }, { runToken: [] }];

const IdempotencyHeader = z.object({
  "idempotency-key": z.string().min(1).max(200).optional().openapi({
    description:
      "A batch sent again under the same key within a day is stored once; another one under it is refused.",
  }),
});

const Appended = z
  .object({ first_seq: z.number().int(), last_seq: z.number().int(), duplicate: z.boolean() })
  .openapi("Appended");

// Documented like this but read by `readPoints`: a schema check of every point would cost more than storing them.
const MetricsBody = z.unknown().openapi("MetricsBody", {
  description: "One point, or `{points: […]}` with up to 1,000.",
  type: "object",
  additionalProperties: true,
});
feedRoutes.openAPIRegistry.register("MetricPointBody", MetricPointBody);

feedRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/runs/{id}/metrics",
    tags,
    security,
    summary: "Report metrics",
    description: "Durable when acknowledged. The fields of a point are those of `MetricPointBody`.",
    request: { params: IdParam, headers: IdempotencyHeader, body: jsonBody(MetricsBody) },
    responses: { 201: json(Appended, "Stored"), ...errors(400, 401, 403, 404, 409, 413, 415, 422) },
  }),
  async (c) => {
    const key = c.req.valid("header")["idempotency-key"];
    return c.json(
      await service.appendMetrics(c.var.ctx, c.req.valid("param").id, c.req.valid("json"), key),
      201,
    );
  },
);

const PositionCursor = z
  .string()
  .regex(/^\d{1,16}-\d{1,16}$/, "is not one this list gave out")
  .transform((text): MetricPosition => {
    const [step, seq] = text.split("-").map(Number);
    return { step: step!, seq: seq! };
  });

const MetricsQuery = z.object({
  from_step: z.coerce.number().int().min(0).default(0),
  keys: z
    .string()
    .max(4000)
    .optional()
    .openapi({ description: "Comma-separated, such as `loss,accuracy`." })
    .transform((text) => text?.split(",").filter(Boolean)),
  max_points: z.coerce.number().int().min(10).max(10_000).optional().openapi({
    description:
      "Down-sample the whole range to this many points. No key loses a spike, and of every stretch the first and last value that is not finite stay; with too many keys for so few points there are more of them (name the ones you plot in `keys`).",
  }),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
  cursor: PositionCursor.optional(),
});

feedRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/runs/{id}/metrics",
    tags,
    security: signedIn,
    summary: "Read metrics in step order",
    description: "A bare array of at most 10,000 points; the `Link` header leads to the next page.",
    request: { params: IdParam, query: MetricsQuery },
    responses: { 200: json(z.array(MetricPointOut), "Points"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => {
    const { from_step: fromStep, max_points: maxPoints, cursor, keys, limit } = c.req.valid("query");
    const query = {
      fromStep,
      limit,
      ...(keys && { keys }),
      ...(maxPoints && { maxPoints }),
      ...(cursor && { after: cursor }),
    };
    const { points, next } = await service.readMetrics(c.var.ctx, c.req.valid("param").id, query);
    const link = nextLink(c.req.url, next && `${next.step}-${next.seq}`);
    return c.json(points.map(presentPoint) as z.infer<typeof MetricPointOut>[], 200, link);
  },
);

const Level = z
  .string()
  .trim()
  .min(1)
  .max(20)
  .transform((level) => level.toUpperCase());
const Line = z.object({
  message: z.string().max(16_384),
  level: Level.default("INFO"),
  timestamp: Timestamp.optional(),
});
const LogsBody = z
  .union([z.object({ lines: z.array(Line).min(1).max(1000) }), Line])
  .openapi("LogsBody", { description: "One line, or `{lines: […]}` with up to 1,000." });

const linesOf = (body: z.infer<typeof LogsBody>): LogLine[] =>
  ("lines" in body ? body.lines : [body]).map(({ message, level, timestamp }) => ({
    message,
    level,
    timestamp: timestamp === undefined ? NaN : Date.parse(timestamp),
  }));

feedRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/runs/{id}/logs",
    tags,
    security,
    summary: "Report log lines",
    request: { params: IdParam, headers: IdempotencyHeader, body: jsonBody(LogsBody) },
    responses: { 201: json(Appended, "Stored"), ...errors(400, 401, 403, 404, 409, 413, 415, 422) },
  }),
  async (c) => {
    const { ctx } = c.var;
    const lines = linesOf(c.req.valid("json"));
    const key = c.req.valid("header")["idempotency-key"];
    return c.json(await service.appendLogs(ctx, c.req.valid("param").id, lines, key), 201);
  },
);

const LogsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).default(1000),
  cursor: z.coerce.number().int().min(0).default(0),
  level: Level.optional(),
});
const Logs = z
  .object({
    logs: z.array(
      z.object({ seq: z.number().int(), timestamp: Timestamp, level: z.string(), message: z.string() }),
    ),
  })
  .openapi("Logs");

feedRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/runs/{id}/logs",
    tags,
    security: signedIn,
    summary: "Read log lines in the order they came",
    description:
      "`{logs: […]}` with 1,000 lines, or up to 10,000 by `limit`; the `Link` header leads to the next page.",
    request: { params: IdParam, query: LogsQuery },
    responses: { 200: json(Logs, "Lines"), ...errors(401, 403, 404, 422) },
  }),
  async (c) => {
    const { limit, cursor, level } = c.req.valid("query");
    const query = { limit, afterSeq: cursor, ...(level && { level }) };
    const { lines, next } = await service.readLogs(c.var.ctx, c.req.valid("param").id, query);
    const logs = lines.map((line) => ({ ...line, timestamp: new Date(line.timestamp).toISOString() }));
    return c.json({ logs }, 200, nextLink(c.req.url, next === undefined ? undefined : String(next)));
  },
);

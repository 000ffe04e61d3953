import { createRoute, errors, json, nextLink, PageQuery, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { decodeCursor } from "../../kernel/page.ts";
import { QueuedRun } from "./queue.schema.ts";
import * as service from "./queue.service.ts";

/** What waits for an agent. */
export const queueRoutes = createRouter();

const QueueQuery = PageQuery.extend({
  cursor: z
    .string()
    .max(200)
    .regex(/^-?\d{1,4}\.[\w-]+$/, "is not one this list gave out")
    .optional()
    .openapi({ description: 'From the `Link: …; rel="next"` header of the last page.' }),
});

function positionOf(cursor: string | undefined) {
  if (cursor === undefined) return undefined;
  const [priority, rest] = cursor.split(".");
  return { priority: Number(priority), ...decodeCursor(rest!) };
}

queueRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/queue",
    tags: ["Training runs"],
    security: signedIn,
    summary: "List what waits for an agent, in the order it goes, and why it still does",
    request: { query: QueueQuery },
    responses: { 200: json(z.array(QueuedRun), "One page of the queue"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const { items, next } = await service.listQueue(c.var.ctx, limit, positionOf(cursor));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

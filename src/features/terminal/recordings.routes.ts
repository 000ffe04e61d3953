import { createRoute, errors, IdParam, json, nextLink, noContent, pageOf, signedIn, z } from "#http/contract";
import { attachment } from "#http/download";
import { createRouter } from "#http/router";
import { Recording, RecordingsQuery } from "./recordings.schema.ts";
import * as service from "./recordings.service.ts";

/** What terminals said, for those who may review it. */
export const recordingRoutes = createRouter();
const tags = ["Terminal"];
const security = signedIn;

recordingRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/terminal/recordings",
    tags,
    security,
    summary: "List recordings of terminals, newest first",
    request: { query: RecordingsQuery },
    responses: { 200: json(z.array(Recording), "One page of recordings"), ...errors(401, 403, 422) },
  }),
  async (c) => {
    const query = c.req.valid("query");
    const { items, next } = await service.listRecordings(c.var.ctx, query, pageOf(query));
    return c.json(items, 200, nextLink(c.req.url, next));
  },
);

recordingRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/terminal/recordings/{id}",
    tags,
    security,
    summary: "Get a recording's facts",
    request: { params: IdParam },
    responses: { 200: json(Recording, "The recording"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.getRecording(c.var.ctx, c.req.valid("param").id), 200),
);

recordingRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/terminal/recordings/{id}/asciicast",
    tags,
    security,
    summary: "Download a recording (asciicast v2)",
    description:
      "Output, sizes and markers; what was typed is not recorded, since passwords are typed. Of a terminal that is open, what it has said so far.",
    request: { params: IdParam },
    responses: {
      200: {
        description: "The recording",
        content: { "application/x-asciicast": { schema: z.string() } },
      },
      ...errors(401, 403, 404),
    },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const body = await service.readRecording(c.var.ctx, id);
    const headers = {
      "content-type": "application/x-asciicast",
      "content-disposition": attachment(`${id}.cast`),
      "cache-control": "private, no-store",
    };
    return new Response(body, { headers });
  },
);

recordingRoutes.openapi(
  createRoute({
    method: "delete",
    path: "/api/terminal/recordings/{id}",
    tags,
    security,
    summary: "Delete a recording whose terminal has ended",
    request: { params: IdParam },
    responses: { 204: noContent, ...errors(401, 403, 404, 409) },
  }),
  async (c) => {
    await service.deleteRecording(c.var.ctx, c.req.valid("param").id);
    return c.body(null, 204);
  },
);

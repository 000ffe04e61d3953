import { createRoute, errors, IdParam, json, signedIn } from "#http/contract";
import { createRouter } from "#http/router";
import {
  refuseForeignPages,
  refuseTokenInUrl,
  requireUpgrade,
  StreamQuery,
  StreamTicket,
  switching,
  watchRequest,
} from "#http/web-socket";
import * as service from "./feed.service.ts";

export const streamRoutes = createRouter();
const tags = ["Training runs"];

streamRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/runs/{id}/stream-ticket",
    tags,
    security: signedIn,
    summary: "Get a one-use ticket for the stream",
    request: { params: IdParam },
    responses: { 201: json(StreamTicket, "Good once, for a minute"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.createTicket(c.var.ctx, c.req.valid("param").id), 201),
);

streamRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/training/runs/{id}/stream",
    tags,
    security: [...signedIn, { streamTicket: [] }],
    summary: "Watch a run live (WebSocket)",
    description:
      "Frames are `{type, seq, data}` with type hello, metrics, log, status or gap; the socket closes with 1000 after the final status. Browsers send the protocols `myelin.stream` and `bearer.<access token>`, or use a ticket.",
    request: { params: IdParam, query: StreamQuery },
    responses: { ...switching, ...errors(400, 401, 403, 404, 422) },
  }),
  async (c) => {
    const { id } = c.req.valid("param");
    const { ticket, since } = c.req.valid("query");
    refuseForeignPages(c);
    refuseTokenInUrl(c);
    const known = ticket === undefined ? await service.admitUser(c.var.ctx, id) : undefined;
    // A ticket is good once, so it is used only where a stream can be opened with it.
    requireUpgrade(c);
    const watcher = known ?? (await service.redeemTicket(c.var.ctx, id, ticket!));
    return c.var.ctx.feeds.of(id).watch(watchRequest(c, watcher, since));
  },
);

import type { AppContext } from "#http/context";
import { createRoute, errors, IdParam, json, signedIn, z } from "#http/contract";
import { createRouter } from "#http/router";
import { refuseForeignPages, requireUpgrade, switching } from "#http/web-socket";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import * as service from "./feed.service.ts";
import { WATCHER_HEADER } from "./feed-watchers.ts";
import * as refusals from "./runs.errors.ts";

export const streamRoutes = createRouter();
const tags = ["Training runs"];

/** The protocol a browser names beside `bearer.<access token>`; only this one is said back. */
export const STREAM_PROTOCOL = "myelin.stream";

const Ticket = z.object({ ticket: z.string(), expires_in: z.number().int() }).openapi("StreamTicket");

streamRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/training/runs/{id}/stream-ticket",
    tags,
    security: signedIn,
    summary: "Get a one-use ticket for the stream",
    request: { params: IdParam },
    responses: { 201: json(Ticket, "Good once, for a minute"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.createTicket(c.var.ctx, c.req.valid("param").id), 201),
);

const StreamQuery = z.object({
  ticket: z.string().max(200).optional(),
  since: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .openapi({ description: "Replay everything after this `seq`." }),
});

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
    if (c.req.query("token") !== undefined) throw refusals.tokenInUrl();
    const known = ticket === undefined ? await service.admitUser(c.var.ctx, id) : undefined;
    // A ticket is good once, so it is used only where a stream can be opened with it.
    requireUpgrade(c);
    const watcher = known ?? (await service.redeemTicket(c.var.ctx, id, ticket!));
    return c.var.ctx.feeds.of(id).watch(upgradeRequest(c, watcher, since));
  },
);

/** What the feed needs of the handshake, and nothing else: no token travels further than this. */
function upgradeRequest(c: AppContext, watcher: Watcher, since: number | undefined): Request {
  const offered = (c.req.header("sec-websocket-protocol") ?? "")
    .split(",")
    .map((protocol) => protocol.trim());
  const headers = new Headers({ upgrade: "websocket", [WATCHER_HEADER]: watcher });
  if (offered.includes(STREAM_PROTOCOL)) headers.set("sec-websocket-protocol", STREAM_PROTOCOL);
  return new Request(`https://feed/${since === undefined ? "" : `?since=${since}`}`, { headers });
}

import type { AppContext } from "#http/context";
import { createRoute, errors, IdParam, json, signedIn, z } from "#http/contract";
import { admitsOrigin } from "#http/origin";
import { createRouter } from "#http/router";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import * as service from "./execution.service.ts";
import { WATCHER_HEADER } from "./room-watchers.ts";
import * as refusals from "./notebooks.errors.ts";

export const notebookStreamRoutes = createRouter();
const tags = ["Notebooks"];

/** The protocol a browser names beside `bearer.<access token>`; only this one is said back. */
const STREAM_PROTOCOL = "myelin.stream";

const Ticket = z.object({ ticket: z.string(), expires_in: z.number().int() }).openapi("NotebookStreamTicket");

notebookStreamRoutes.openapi(
  createRoute({
    method: "post",
    path: "/api/notebooks/{id}/stream-ticket",
    tags,
    security: signedIn,
    summary: "Get a one-use ticket for the stream",
    request: { params: IdParam },
    responses: { 201: json(Ticket, "Good once, for a minute"), ...errors(401, 403, 404) },
  }),
  async (c) => c.json(await service.createTicket(c.var.ctx, c.req.valid("param").id), 201),
);

// The type of a handler knows no 101; the document does.
const switching = { 101: { description: "Switching to WebSocket" } } as unknown as {
  200: { description: string };
};

const StreamQuery = z.object({
  ticket: z.string().max(200).optional(),
  since: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .openapi({ description: "Replay everything after this `seq`." }),
});

notebookStreamRoutes.openapi(
  createRoute({
    method: "get",
    path: "/api/notebooks/{id}/stream",
    tags,
    security: [...signedIn, { streamTicket: [] }],
    summary: "Watch a notebook live (WebSocket)",
    description:
      "Frames are `{type, seq, data}` with type hello, queue, cell_started, output, cell_finished, kernel, status, changed or gap. Browsers send the protocols `myelin.stream` and `bearer.<access token>`, or use a ticket.",
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
    if (c.req.header("upgrade")?.toLowerCase() !== "websocket") throw refusals.upgradeRequired();
    const watcher = known ?? (await service.redeemTicket(c.var.ctx, id, ticket!));
    return c.var.ctx.rooms.of(id).watch(upgradeRequest(c, watcher, since));
  },
);

/** A browser names the page's origin; programs send none. */
function refuseForeignPages(c: AppContext): void {
  const origin = c.req.header("origin");
  if (origin === undefined) return;
  const { allowedOrigins, publicUrl } = c.var.ctx.settings;
  if (!admitsOrigin(origin, publicUrl, allowedOrigins)) throw refusals.originRefused(origin);
}

/** What the room needs of the handshake, and nothing else: no token travels further than this. */
function upgradeRequest(c: AppContext, watcher: Watcher, since: number | undefined): Request {
  const offered = (c.req.header("sec-websocket-protocol") ?? "")
    .split(",")
    .map((protocol) => protocol.trim());
  const headers = new Headers({ upgrade: "websocket", [WATCHER_HEADER]: watcher });
  if (offered.includes(STREAM_PROTOCOL)) headers.set("sec-websocket-protocol", STREAM_PROTOCOL);
  return new Request(`https://room/${since === undefined ? "" : `?since=${since}`}`, { headers });
}

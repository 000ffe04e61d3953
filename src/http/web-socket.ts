import { AppError } from "../kernel/errors.ts";
import type { Watcher } from "../kernel/ports/run-feeds.ts";
import type { AppContext } from "./context.ts";
import { z } from "./contract.ts";
import { admitsOrigin } from "./origin.ts";

const upgradeRequired = () =>
  new AppError("bad_request", "UPGRADE_REQUIRED", "This address speaks WebSocket; send an upgrade request.");

const originRefused = (origin: string) =>
  new AppError("forbidden", "ORIGIN_REFUSED", `Pages of ${origin} may not open streams here.`);

const tokenInUrl = () =>
  new AppError(
    "bad_request",
    "TOKEN_IN_URL",
    "Tokens do not belong in addresses; use Sec-WebSocket-Protocol or a ticket from stream-ticket.",
  );

/** The protocol a browser names beside `bearer.<access token>`; only this one is said back. */
export const STREAM_PROTOCOL = "myelin.stream";
/** Of the upgrade the Worker passes on: by what the watcher was let in. */
export const WATCHER_HEADER = "x-watcher";

export const StreamTicket = z
  .object({ ticket: z.string(), expires_in: z.number().int() })
  .openapi("StreamTicket");

export const StreamQuery = z.object({
  ticket: z.string().max(200).optional(),
  since: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .openapi({ description: "Replay everything after this `seq`." }),
});

/** Turns away what is no upgrade to a WebSocket. */
export function requireUpgrade(c: AppContext): void {
  if (c.req.header("upgrade")?.toLowerCase() !== "websocket") throw upgradeRequired();
}

/** Turns away pages of other origins. A browser names the page's origin; programs send none. */
export function refuseForeignPages(c: AppContext): void {
  const origin = c.req.header("origin");
  if (origin === undefined) return;
  const { allowedOrigins, publicUrl } = c.var.ctx.settings;
  if (!admitsOrigin(origin, publicUrl, allowedOrigins)) throw originRefused(origin);
}

/** Turns away who shows a token where it would stay in logs. */
export function refuseTokenInUrl(c: AppContext): void {
  if (c.req.query("token") !== undefined) throw tokenInUrl();
}

/** What an object needs of a watcher's handshake, and nothing else: no token travels further than this. */
export function watchRequest(c: AppContext, watcher: Watcher, since: number | undefined): Request {
  const offered = (c.req.header("sec-websocket-protocol") ?? "")
    .split(",")
    .map((protocol) => protocol.trim());
  const headers = new Headers({ upgrade: "websocket", [WATCHER_HEADER]: watcher });
  if (offered.includes(STREAM_PROTOCOL)) headers.set("sec-websocket-protocol", STREAM_PROTOCOL);
  return new Request(`https://stream/${since === undefined ? "" : `?since=${since}`}`, { headers });
}

/** Response entry of an operation that becomes a WebSocket. The type of a handler knows no 101; the document does. */
export const switching = { 101: { description: "Switching to WebSocket" } } as unknown as {
  200: { description: string };
};

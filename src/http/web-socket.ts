import { AppError } from "../kernel/errors.ts";
import type { AppContext } from "./context.ts";
import { admitsOrigin } from "./origin.ts";

const upgradeRequired = () =>
  new AppError("bad_request", "UPGRADE_REQUIRED", "This address speaks WebSocket; send an upgrade request.");

const originRefused = (origin: string) =>
  new AppError("forbidden", "ORIGIN_REFUSED", `Pages of ${origin} may not open streams here.`);

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

/** Response entry of an operation that becomes a WebSocket. The type of a handler knows no 101; the document does. */
export const switching = { 101: { description: "Switching to WebSocket" } } as unknown as {
  200: { description: string };
};

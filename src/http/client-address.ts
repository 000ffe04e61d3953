import type { Client } from "../kernel/ctx.ts";
import { addressOf, networkOf } from "../kernel/network.ts";

/**
 * The address a request came from, as it was told, or nothing. Without `trustedHops` the Worker stands behind
 * Cloudflare, which sets `CF-Connecting-IP` whatever the client sends. Otherwise the address is the one the outermost of
 * so many proxies of our own added to `X-Forwarded-For`, counted from the right, since a client can write anything to
 * the left of it.
 */
function toldAddress(headers: Headers, trustedHops: number | undefined): string {
  if (trustedHops === undefined) return (headers.get("cf-connecting-ip") ?? "").trim();
  if (trustedHops === 0) return "";
  return ((headers.get("x-forwarded-for") ?? "").split(",").at(-trustedHops) ?? "").trim();
}

/** The address itself, without a port; `null` for what is none. */
export const clientIp = (headers: Headers, trustedHops: number | undefined): string | null =>
  addressOf(toldAddress(headers, trustedHops)) ?? null;

/** Whom a request is counted for. Who cannot be told apart (no proxies, fewer than said, no address) shares one name. */
export const clientAddress = (headers: Headers, trustedHops: number | undefined): string =>
  networkOf(toldAddress(headers, trustedHops)) ?? "unknown";

/** Where a request comes from, as far as it can be told. */
export const clientOf = (headers: Headers, trustedHops: number | undefined): Client => ({
  ip: clientIp(headers, trustedHops),
  network: clientAddress(headers, trustedHops),
  userAgent: headers.get("user-agent")?.slice(0, 300) ?? null,
});

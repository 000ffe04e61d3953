import type { Client } from "../kernel/ctx.ts";
import { placeOf } from "../kernel/network.ts";

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

/**
 * Where a request comes from, as far as it can be told. Who cannot be told apart (no proxies, fewer than said, no
 * address) is counted under one name.
 */
export function clientOf(headers: Headers, trustedHops: number | undefined): Client {
  const place = placeOf(toldAddress(headers, trustedHops));
  return {
    ip: place?.ip ?? null,
    network: place?.network ?? "unknown",
    userAgent: headers.get("user-agent")?.slice(0, 300) ?? null,
  };
}

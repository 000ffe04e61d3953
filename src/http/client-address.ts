import type { Client } from "../kernel/ctx.ts";

const IPV4 = /^(\d{1,3}(?:\.\d{1,3}){3})(?::\d{1,5})?$/;
const BRACKETED = /^\[([^\]]*)\](?::\d{1,5})?$/;

/** The eight groups of an IPv6 address, or `undefined` when it is none. */
function groupsOf(text: string): string[] | undefined {
  if (!/^[\da-f:.]+$/i.test(text) || !URL.canParse(`http://[${text}]`)) return undefined;
  // The URL parser shortens every spelling to the one of RFC 5952.
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const [left, right] = [head, tail ?? ""].map((part) => part.split(":").filter(Boolean)) as [
    string[],
    string[],
  ];
  return [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
}

/** IPv4 inside IPv6, `::ffff:a.b.c.d`, as the address it is. */
function mappedOf(groups: string[]): string | undefined {
  if (groups.slice(0, 6).join(":") !== "0:0:0:0:0:ffff") return undefined;
  const bytes = groups.slice(6).flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
  return bytes.join(".");
}

/** One client's network: an IPv4 address, or the /64 of an IPv6 address, all of which one client can use. */
function networkOf(text: string): string | undefined {
  const ipv4 = IPV4.exec(text)?.[1];
  if (ipv4) return ipv4;
  const groups = groupsOf(BRACKETED.exec(text)?.[1] ?? text);
  return groups && (mappedOf(groups) ?? `${groups.slice(0, 4).join(":")}::/64`);
}

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
export function clientIp(headers: Headers, trustedHops: number | undefined): string | null {
  const told = toldAddress(headers, trustedHops);
  const ipv4 = IPV4.exec(told)?.[1];
  if (ipv4) return ipv4;
  const bare = BRACKETED.exec(told)?.[1] ?? told;
  const groups = groupsOf(bare);
  return groups ? (mappedOf(groups) ?? bare.toLowerCase()) : null;
}

/** Whom a request is counted for. Who cannot be told apart (no proxies, fewer than said, no address) shares one name. */
export const clientAddress = (headers: Headers, trustedHops: number | undefined): string =>
  networkOf(toldAddress(headers, trustedHops)) ?? "unknown";

/** Where a request comes from, as far as it can be told. */
export const clientOf = (headers: Headers, trustedHops: number | undefined): Client => ({
  ip: clientIp(headers, trustedHops),
  network: clientAddress(headers, trustedHops),
  userAgent: headers.get("user-agent")?.slice(0, 300) ?? null,
});

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

export interface Place {
  /** The address without brackets and port, IPv4 inside IPv6 as IPv4. */
  ip: string;
  /** One client's network: an IPv4 address, or the /64 of an IPv6 address, all of which one client can use. */
  network: string;
}

/** Where an address is; `undefined` for what is none. */
export function placeOf(text: string): Place | undefined {
  const ipv4 = IPV4.exec(text)?.[1];
  if (ipv4) return { ip: ipv4, network: ipv4 };
  const bare = BRACKETED.exec(text)?.[1] ?? text;
  const groups = groupsOf(bare);
  if (!groups) return undefined;
  const mapped = mappedOf(groups);
  if (mapped) return { ip: mapped, network: mapped };
  return { ip: bare.toLowerCase(), network: `${groups.slice(0, 4).join(":")}::/64` };
}

export const networkOf = (text: string): string | undefined => placeOf(text)?.network;

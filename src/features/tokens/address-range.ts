/** Addresses from `first` to `last`, of IPv4 (32 bits) or IPv6 (128 bits). */
export interface AddressRange {
  width: 32 | 128;
  first: bigint;
  last: bigint;
}

interface Address {
  width: 32 | 128;
  value: bigint;
}

const join = (parts: readonly bigint[], bits: bigint): bigint =>
  parts.reduce((value, part) => (value << bits) | part, 0n);

// A leading zero is octal to some and decimal to others, so it is nothing here.
const OCTET = /^(?:0|[1-9]\d{0,2})$/;

function parseV4(text: string): Address | undefined {
  const octets = text.split(".");
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) < 256))
    return undefined;
  return { width: 32, value: join(octets.map(BigInt), 8n) };
}

function parseV6(text: string): Address | undefined {
  if (!/^[\da-f:.]+$/i.test(text) || !URL.canParse(`http://[${text}]`)) return undefined;
  // The URL parser shortens every spelling to the one of RFC 5952.
  const [head = "", tail] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const [left, right] = [head, tail ?? ""].map((part) => part.split(":").filter(Boolean)) as [
    string[],
    string[],
  ];
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  const groups = [...left, ...zeros, ...right].map((group) => BigInt(`0x${group}`));
  return { width: 128, value: join(groups, 16n) };
}

const parseAddress = (text: string): Address | undefined =>
  text.includes(":") ? parseV6(text) : parseV4(text);

const MAPPED = 0xffffn << 32n;

/** IPv4 inside IPv6 (`::ffff:a.b.c.d`) as the IPv4 it is, since that is how clients are known. */
function unmapped({ width, first, last }: AddressRange): AddressRange {
  const isMapped = width === 128 && first >> 32n === 0xffffn && last >> 32n === 0xffffn;
  return isMapped ? { width: 32, first: first - MAPPED, last: last - MAPPED } : { width, first, last };
}

function prefixOf(text: string | undefined, width: number): number | undefined {
  if (text === undefined) return width;
  return /^(?:0|[1-9]\d{0,2})$/.test(text) && Number(text) <= width ? Number(text) : undefined;
}

/** An address or a network in CIDR form, `10.0.0.0/8`; bits behind the prefix do not count. */
export function parseRange(text: string): AddressRange | undefined {
  const [host = "", prefixText, ...rest] = text.split("/");
  const address = parseAddress(host);
  if (!address || rest.length > 0) return undefined;
  const prefix = prefixOf(prefixText, address.width);
  if (prefix === undefined) return undefined;
  const hostBits = BigInt(address.width - prefix);
  const first = (address.value >> hostBits) << hostBits;
  return unmapped({ width: address.width, first, last: first + (1n << hostBits) - 1n });
}

/** Whether an address lies in any of the ranges; what is no address lies in none. */
export function isInRanges(ip: string | null, ranges: readonly AddressRange[]): boolean {
  const own = ip === null ? undefined : parseRange(ip);
  if (!own || own.first !== own.last) return false;
  return ranges.some(
    ({ width, first, last }) => width === own.width && first <= own.first && own.first <= last,
  );
}

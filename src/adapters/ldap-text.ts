/** A value as it may stand in a search filter (RFC 4515, section 3): no character of it means anything there. */
export const escapeFilterValue = (value: string): string =>
  // oxlint-disable-next-line no-control-regex -- NUL is one of the five
  value.replace(/[\0()*\\]/g, (char) => `\\${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** A filter with its `{placeholders}` filled in, each value escaped; filled in once, so that no value is a template. */
export const fillFilter = (template: string, values: Record<string, string>): string =>
  template.replace(/\{(\w+)\}/g, (whole, name: string) =>
    values[name] === undefined ? whole : escapeFilterValue(values[name]),
  );

/** A text as directories compare it (RFC 4518): neither case nor width, invisible characters nor further spaces count. */
export const plainText = (text: string): string =>
  text
    .normalize("NFKC")
    .replace(/\p{Cf}|\p{Cc}/gu, "")
    .replace(/\s+/g, " ")
    .trim()
    .toLowerCase();

// Separators count where no backslash is before them; two hex digits after one are a byte of UTF-8 (RFC 4514).
const RDNS = /(?:\\.|[^\\,;])+/gs;
const PAIRS = /(?:\\.|[^\\+])+/gs;
const ESCAPED = /((?:\\[\da-f]{2})+)|\\(.)/gis;

const decodeHex = (escapes: string): string =>
  new TextDecoder().decode(
    Uint8Array.from(escapes.split("\\").slice(1), (digits) => Number.parseInt(digits, 16)),
  );

const plainValue = (value: string): string =>
  plainText(
    value.replace(ESCAPED, (_, hex?: string, char?: string) => (hex === undefined ? char! : decodeHex(hex))),
  ).replace(/[,;+=\\]/g, (char) => `\\${char.charCodeAt(0).toString(16)}`);

function plainPair(pair: string): string {
  const [type = "", ...value] = pair.split("=");
  return `${type.trim().toLowerCase()}=${plainValue(value.join("="))}`;
}

/** A distinguished name in the one spelling that two names are compared in, however either escapes what it holds. */
export const plainDn = (dn: string): string =>
  (dn.match(RDNS) ?? []).map((rdn) => (rdn.match(PAIRS) ?? []).map(plainPair).toSorted().join("+")).join(",");

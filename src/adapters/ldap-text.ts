/** A value as it may stand in a search filter (RFC 4515, section 3): no character of it means anything there. */
export const escapeFilterValue = (value: string): string =>
  // oxlint-disable-next-line no-control-regex -- NUL is one of the five
  value.replace(/[\0()*\\]/g, (char) => `\\${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** A filter with its `{placeholders}` filled in, each value escaped; filled in once, so that no value is a template. */
export const fillFilter = (template: string, values: Record<string, string>): string =>
  template.replace(/\{(\w+)\}/g, (whole, name: string) =>
    values[name] === undefined ? whole : escapeFilterValue(values[name]),
  );

/** A distinguished name in the one spelling that two names are compared in: case and spaces around signs do not count. */
export const plainDn = (dn: string): string =>
  dn
    .trim()
    .toLowerCase()
    .replace(/\s*([,=+])\s*/g, "$1");

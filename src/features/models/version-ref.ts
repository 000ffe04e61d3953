/** How a version is named in an address: by its number, its own id, or an alias of its model. */
export type VersionRef = { number: number } | { id: string } | { alias: string };

const MAX_NUMBER = 2_147_483_647;

/** As JSON Schema knows regular expressions; `parseVersionRef` is stricter about how large a number may be. */
export const VERSION_REF =
  /^(?:[1-9][0-9]{0,9}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|@[a-z][a-z0-9._-]{0,62})$/;

/** `undefined` for a text that can name no version. */
export function parseVersionRef(text: string): VersionRef | undefined {
  if (!VERSION_REF.test(text)) return undefined;
  if (text.startsWith("@")) return { alias: text.slice(1) };
  if (text.includes("-")) return { id: text.toLowerCase() };
  return Number(text) <= MAX_NUMBER ? { number: Number(text) } : undefined;
}

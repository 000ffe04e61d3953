import { or, sql, type Column, type SQL } from "drizzle-orm";

/** A text as LIKE and ILIKE take it for itself: `%` and `_` in it are no wildcards. */
export const escapeLike = (text: string): string => text.replace(/[\\%_]/g, (char) => `\\${char}`);

/** Whether a text starts in one of the given ways; no list of them is no condition. */
export const startsWithAny = (column: Column, prefixes: readonly string[]): SQL | undefined =>
  or(...prefixes.map((prefix) => sql`starts_with(${column}, ${prefix})`));

/** A text as LIKE and ILIKE take it for itself: `%` and `_` in it are no wildcards. */
export const escapeLike = (text: string): string => text.replace(/[\\%_]/g, (char) => `\\${char}`);

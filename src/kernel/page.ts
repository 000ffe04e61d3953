import { AppError } from "./errors.ts";

/** A page request: at most `limit` rows after the position `after`. */
export interface Page {
  limit: number;
  after?: Position;
}

/** Where a list stopped: the sort key (a timestamp in ISO form) and the id that breaks ties. */
export interface Position {
  at: string;
  id: string;
}

/** Rows of one page and the cursor of the next, if there is one. */
export interface Paged<T> {
  items: T[];
  next?: string;
}

export const encodeCursor = ({ at, id }: Position): string =>
  btoa(`${at}|${id}`).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export function decodeCursor(cursor: string): Position {
  try {
    const [at, id, ...rest] = atob(cursor.replaceAll("-", "+").replaceAll("_", "/")).split("|");
    if (at && id && rest.length === 0 && isInstant(at) && isId(id)) return { at, id };
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
  }
  throw new AppError("invalid", "INVALID_CURSOR", "The cursor is not one this list gave out.");
}

// Only the form `toISOString` writes: JavaScript knows years, such as -200000, that Postgres does not.
const isInstant = (text: string): boolean =>
  /^[1-9]\d{3}-\d\d-\d\dT[\d:.]+Z$/.test(text) && !Number.isNaN(Date.parse(text));

/** Cuts the look-ahead row off and turns the last kept row into the next cursor. */
export function paged<T extends { id: string; createdAt: Date }>(rows: T[], limit: number): Paged<T> {
  if (rows.length <= limit) return { items: rows };
  const items = rows.slice(0, limit);
  const last = items[items.length - 1]!;
  return { items, next: encodeCursor({ at: last.createdAt.toISOString(), id: last.id }) };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a path segment can be an id at all; anything else is simply not found. */
export const isId = (text: string): boolean => UUID.test(text);

import { and, type Column, desc, eq, lt, or, type SQL } from "drizzle-orm";

interface Listed {
  createdAt: Column;
  id: Column;
}

/** Rows behind a position in a list that is newest first; everything when there is none. */
export function behind(table: Listed, after: { at: string; id: string } | undefined): SQL | undefined {
  if (!after) return undefined;
  const at = new Date(after.at);
  return or(lt(table.createdAt, at), and(eq(table.createdAt, at), lt(table.id, after.id)));
}

export const newestFirst = (table: Listed): [SQL, SQL] => [desc(table.createdAt), desc(table.id)];

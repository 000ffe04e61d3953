import { index, pgTable, text } from "drizzle-orm/pg-core";
import { at } from "./columns.ts";

/**
 * Blob keys nothing owns: uploads under way and files of deleted rows. The statement that gives a blob an owner
 * removes its key here; the sweep deletes what is left after `deleteAfter`.
 */
export const orphanBlobs = pgTable(
  "orphan_blobs",
  { key: text("key").primaryKey(), deleteAfter: at("delete_after").notNull() },
  (t) => [index("orphan_blobs_delete_after").on(t.deleteAfter)],
);

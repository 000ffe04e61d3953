import { customType, timestamp, uuid } from "drizzle-orm/pg-core";

/** Milliseconds, like a JavaScript Date, so that a cursor made of one finds its row again. */
export const at = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

export const id = () => uuid("id").primaryKey().defaultRandom();
export const createdAt = () => at("created_at").notNull().defaultNow();
export const updatedAt = () => at("updated_at").notNull().defaultNow();

/** Raw bytes; they cross the Neon HTTP protocol in Postgres's hex form. */
export const bytes = customType<{ data: Uint8Array; driverData: string }>({
  dataType: () => "bytea",
  toDriver: (value) => `\\x${value.toHex()}`,
  fromDriver: (value) =>
    typeof value === "string" ? Uint8Array.fromHex(value.replace(/^\\x/, "")) : (value as Uint8Array),
});

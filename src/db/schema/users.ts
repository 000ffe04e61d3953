import { index, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, createdAt, id, updatedAt } from "./columns.ts";

export const users = pgTable("users", {
  id: id(),
  /** Lower-cased and trimmed before it gets here. */
  email: text("email").notNull().unique(),
  name: text("name").notNull(),
  role: text("role").$type<"admin" | "user" | "viewer">().notNull().default("user"),
  /** Argon2id in PHC form. */
  passwordHash: text("password_hash").notNull(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

/** One row per sign-in. The refresh token in force is known by its `jti`; any older one ends the session. */
export const sessions = pgTable(
  "sessions",
  {
    id: id(),
    userId: uuid("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    refreshJti: uuid("refresh_jti").notNull(),
    createdAt: createdAt(),
    refreshedAt: at("refreshed_at").notNull().defaultNow(),
    expiresAt: at("expires_at").notNull(),
    endedAt: at("ended_at"),
  },
  (t) => [index("sessions_user_id").on(t.userId), index("sessions_expires_at").on(t.expiresAt)],
);

export type UserRow = typeof users.$inferSelect;
export type SessionRow = typeof sessions.$inferSelect;

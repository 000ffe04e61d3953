import { sql } from "drizzle-orm";
import { boolean, index, jsonb, pgTable, text, uuid } from "drizzle-orm/pg-core";
import { at, createdAt, id, updatedAt } from "./columns.ts";

/** A named set of permissions made by an administrator, on top of the three built-in roles. */
export const roles = pgTable("roles", {
  name: text("name").primaryKey(),
  description: text("description").notNull().default(""),
  /** The built-in role whose view of other people's things it has. */
  base: text("base").$type<"admin" | "user" | "viewer">().notNull(),
  permissions: jsonb("permissions").$type<string[]>().notNull(),
  /** Taken away again, whatever else grants it. */
  denied: jsonb("denied").$type<string[]>().notNull().default([]),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});

export const users = pgTable(
  "users",
  {
    id: id(),
    /** Lower-cased and trimmed before it gets here. */
    email: text("email").notNull().unique(),
    name: text("name").notNull(),
    role: text("role").$type<"admin" | "user" | "viewer">().notNull().default("user"),
    /** Stands in for `role` where set; `role` is then its base. */
    customRole: text("custom_role").references(() => roles.name, { onUpdate: "cascade" }),
    /** Permissions denied to this very account, whatever its role grants. */
    denied: jsonb("denied").$type<string[]>().notNull().default([]),
    /** Argon2id in PHC form; none for accounts that only sign in through somebody else. */
    passwordHash: text("password_hash"),
    passwordChangedAt: at("password_changed_at").notNull().defaultNow(),
    /** The address was shown to be theirs. */
    emailVerifiedAt: at("email_verified_at"),
    /** An administrator let them in, or nobody has to. */
    approvedAt: at("approved_at"),
    suspendedAt: at("suspended_at"),
    suspendedReason: text("suspended_reason"),
    /** Provisioned from the configuration at start. */
    provisioned: boolean("provisioned").notNull().default(false),
    lastLoginAt: at("last_login_at"),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (t) => [index("users_created_at").on(t.createdAt)],
);

/** One row per sign-in. The refresh token in force is known by its `jti`; any older one ends the session. */
export const sessions = pgTable(
  "sessions",
  {
    id: id(),
    userId: uuid("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    refreshJti: uuid("refresh_jti").notNull(),
    /** How the user got in: `password`, `totp`, `passkey`, `recovery`, `oidc:<provider>`, `ldap`. */
    methods: jsonb("methods").$type<string[]>().notNull().default([]),
    /** When a password or a factor was last shown within this session. */
    authenticatedAt: at("authenticated_at").notNull().defaultNow(),
    /** When a second factor was last shown within this session. */
    factorAt: at("factor_at"),
    ip: text("ip"),
    userAgent: text("user_agent"),
    createdAt: createdAt(),
    refreshedAt: at("refreshed_at").notNull().defaultNow(),
    /** Moves with every refresh: the idle limit. */
    expiresAt: at("expires_at").notNull(),
    /** Never moves: the absolute limit. */
    maxExpiresAt: at("max_expires_at")
      .notNull()
      .default(sql`now() + interval '90 days'`),
    endedAt: at("ended_at"),
    endReason: text("end_reason"),
  },
  (t) => [index("sessions_user_id").on(t.userId), index("sessions_expires_at").on(t.expiresAt)],
);

export type RoleRow = typeof roles.$inferSelect;
export type UserRow = typeof users.$inferSelect;
export type SessionRow = typeof sessions.$inferSelect;

import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from "drizzle-orm/pg-core";
import { at, bytes, createdAt, id } from "./columns.ts";
import { users } from "./users.ts";

const userId = () =>
  uuid("user_id")
    .notNull()
    .references(() => users.id, { onDelete: "cascade" });

/** Links and steps that work once: mail links, second-factor steps, WebAuthn challenges, OIDC round trips. */
export const oneTimeTokens = pgTable(
  "one_time_tokens",
  {
    id: id(),
    purpose: text("purpose").notNull(),
    /** SHA-256 hex of the token, which has at least 128 random bits. */
    tokenHash: text("token_hash").notNull().unique(),
    userId: uuid("user_id").references(() => users.id, { onDelete: "cascade" }),
    data: jsonb("data").$type<Record<string, unknown>>().notNull().default({}),
    /** Wrong answers so far, where a token guards one. */
    attempts: integer("attempts").notNull().default(0),
    createdAt: createdAt(),
    expiresAt: at("expires_at").notNull(),
    usedAt: at("used_at"),
  },
  (t) => [
    index("one_time_tokens_user_purpose").on(t.userId, t.purpose),
    index("one_time_tokens_expires_at").on(t.expiresAt),
  ],
);

/** One authenticator app per account. */
export const totpSecrets = pgTable("totp_secrets", {
  userId: userId().primaryKey(),
  /** The secret, encrypted; see `kernel/ports/sealer.ts`. */
  sealedSecret: text("sealed_secret").notNull(),
  /** Unset until a first code was shown. */
  enabledAt: at("enabled_at"),
  /** The time step of the last code taken, so that none is taken twice. */
  lastStep: bigint("last_step", { mode: "number" }),
  createdAt: createdAt(),
});

export const recoveryCodes = pgTable(
  "recovery_codes",
  {
    userId: userId(),
    /** SHA-256 hex; the codes are random, so a slow hash would add nothing. */
    codeHash: text("code_hash").notNull(),
    usedAt: at("used_at"),
    createdAt: createdAt(),
  },
  (t) => [primaryKey({ columns: [t.userId, t.codeHash] })],
);

/** WebAuthn credentials. */
export const passkeys = pgTable(
  "passkeys",
  {
    id: id(),
    userId: userId(),
    /** Base64url, as the browser names it. */
    credentialId: text("credential_id").notNull().unique(),
    publicKey: bytes("public_key").notNull(),
    counter: bigint("counter", { mode: "number" }).notNull(),
    name: text("name").notNull(),
    transports: jsonb("transports").$type<string[]>().notNull().default([]),
    aaguid: text("aaguid"),
    backedUp: boolean("backed_up").notNull().default(false),
    createdAt: createdAt(),
    lastUsedAt: at("last_used_at"),
  },
  (t) => [index("passkeys_user_id").on(t.userId)],
);

/** Who an account is at an identity provider. */
export const identities = pgTable(
  "identities",
  {
    id: id(),
    userId: userId(),
    /** The provider's name in the configuration. */
    provider: text("provider").notNull(),
    issuer: text("issuer").notNull(),
    subject: text("subject").notNull(),
    email: text("email"),
    createdAt: createdAt(),
    lastLoginAt: at("last_login_at"),
  },
  (t) => [
    unique("identities_issuer_subject").on(t.issuer, t.subject),
    index("identities_user_id").on(t.userId),
  ],
);

/** Tokens of programs that act for a user, `at_…`. */
export const apiTokens = pgTable(
  "api_tokens",
  {
    id: id(),
    userId: userId(),
    name: text("name").notNull(),
    tokenHash: text("token_hash").notNull().unique(),
    /** Its last characters, so that its owner can tell it from others. */
    hint: text("hint").notNull(),
    /** Permissions it narrows its owner's to; `*` leaves them as they are. */
    scopes: jsonb("scopes").$type<string[]>().notNull(),
    /** Addresses and networks (CIDR) it may be used from; empty for any. */
    allowedIps: jsonb("allowed_ips").$type<string[]>().notNull().default([]),
    /** Its own limit; none when unset. */
    requestsPerMinute: integer("requests_per_minute"),
    expiresAt: at("expires_at"),
    lastUsedAt: at("last_used_at"),
    lastUsedIp: text("last_used_ip"),
    revokedAt: at("revoked_at"),
    createdAt: createdAt(),
    rotatedAt: at("rotated_at"),
  },
  (t) => [index("api_tokens_user_id").on(t.userId)],
);

/** Failed attempts at a secret, by what they were aimed at, whether or not that exists. */
export const lockouts = pgTable("lockouts", {
  /** SHA-256 hex of the kind and the address or account. */
  key: text("key").primaryKey(),
  attempts: integer("attempts").notNull().default(0),
  /** How often it was locked in a row: each lock is longer than the last. */
  level: integer("level").notNull().default(0),
  firstAt: at("first_at").notNull(),
  lockedUntil: at("locked_until"),
});

export type OneTimeTokenRow = typeof oneTimeTokens.$inferSelect;
export type TotpSecretRow = typeof totpSecrets.$inferSelect;
export type PasskeyRow = typeof passkeys.$inferSelect;
export type IdentityRow = typeof identities.$inferSelect;
export type ApiTokenRow = typeof apiTokens.$inferSelect;

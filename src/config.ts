import { z } from "zod";
import { ldapFault, ldapUrl, oidcProviders, roleGroups } from "./identity-config.ts";
import { ROLES, type Role } from "./kernel/actor.ts";
import type { Settings } from "./kernel/ctx.ts";
import { SecretText } from "./kernel/secret-text.ts";

const flagList = z
  .string()
  .default("")
  .transform(
    (text) =>
      new Set(
        text
          .split(",")
          .map((part) => part.trim())
          .filter(Boolean),
      ),
  );
// Ids are part of what is stored and stay short; the secrets may hold anything but a comma.
const namedSecrets = z
  .string()
  .transform((text) => text.split(",").map((part) => /^([\w-]{1,16}):(.{32,})$/.exec(part.trim())))
  .refine((pairs) => pairs.every(Boolean), "must be id:secret pairs with secrets of at least 32 characters")
  .transform((pairs) => pairs.map((pair) => ({ id: pair![1]!, secret: pair![2]! })));
const jwks = z.string().transform((text, ctx): { kty: string }[] => {
  try {
    const keys = (JSON.parse(text) as { keys?: unknown }).keys;
    return z.array(z.looseObject({ kty: z.enum(["OKP", "EC"]), crv: z.string(), x: z.string() })).parse(keys);
  } catch {
    ctx.addIssue("must be a JSON Web Key Set of Ed25519 or P-256 keys");
    return z.NEVER;
  }
});
const seconds = (fallback: number) => z.coerce.number().int().min(1).default(fallback);
// Written out, because coercing an empty text would make it 0, and 0 lifts a limit.
const wholeNumber = z.coerce
  .string()
  .regex(/^\d{1,9}$/, "must be a whole number")
  .transform(Number);
const perMinute = (fallback: number) => wholeNumber.default(fallback);
const megabytes = (fallback: number) => z.coerce.number().positive().default(fallback);
// S3 and R2 keep nothing larger than five terabytes.
const gigabytes = (fallback: number) => z.coerce.number().positive().max(5000).default(fallback);

/** Where Vault is, if there is one. Its secrets come before the environment's. */
export const VaultVariables = z.object({
  VAULT_ADDR: z.string().url().optional(),
  VAULT_ROLE_ID: z.string().min(1).optional(),
  VAULT_SECRET_ID: z.string().min(1).optional(),
  VAULT_TOKEN: z.string().min(1).optional(),
  VAULT_APPROLE_MOUNT: z.string().min(1).default("approle"),
  VAULT_MOUNT: z.string().min(1).default("secret"),
  VAULT_PATH: z.string().min(1).default("myelin"),
  VAULT_NAMESPACE: z.string().min(1).optional(),
});

/** Every variable the Worker reads, with its default. README's configuration table is checked against it. */
export const Variables = z.object({
  DATABASE_URL: z.string().min(1),
  /** Where the Neon protocol gateway listens, locally; unset with Neon itself. */
  NEON_PROXY: z.string().url().optional(),
  JWT_SECRET: z.string().min(32, "must have at least 32 characters"),
  /** Secrets that signed before and still verify; comma-separated. */
  JWT_PREVIOUS_SECRETS: flagList.transform((secrets) => [...secrets]),
  JWT_ALGORITHM: z.enum(["HS256", "EdDSA", "ES256"]).default("HS256"),
  /** PKCS #8 PEM, for the other algorithms than HS256. */
  JWT_PRIVATE_KEY: z.string().includes("PRIVATE KEY").optional(),
  JWT_PREVIOUS_PUBLIC_KEYS: jwks.default([]),
  JWT_ISSUER: z.string().min(1).default("myelin"),
  /** `id:secret` pairs; the first encrypts what is stored, all decrypt. Made of JWT_SECRET when unset. */
  ENCRYPTION_KEYS: namedSecrets.optional(),
  /** Keys the audit trail's chain; never change it. JWT_SECRET when unset. */
  AUDIT_SECRET: z.string().min(32, "must have at least 32 characters").optional(),
  AUDIT_RETENTION_DAYS: z.coerce.number().int().min(30).max(36_500).default(365),
  PUBLIC_URL: z.string().url().default("http://localhost:8787"),
  ALLOWED_ORIGINS: flagList,
  REGISTRATION: z.enum(["open", "verify", "approve", "closed"]).default("open"),
  /** Roles that need a second factor for anything but setting one up. */
  REQUIRE_MFA: flagList.refine((names) => [...names].every((name) => ROLES.includes(name as Role)), {
    message: `may name ${ROLES.join(", ")}`,
  }),
  /** The domain passkeys are made for, where it is not PUBLIC_URL's host but a parent of it. */
  WEBAUTHN_RP_ID: z
    .string()
    .regex(/^[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/, "must be a domain in lower case")
    .optional(),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  ACCESS_TOKEN_SECONDS: seconds(900),
  REFRESH_TOKEN_SECONDS: seconds(30 * 86_400),
  SESSION_MAX_SECONDS: seconds(90 * 86_400),
  LEASE_SECONDS: seconds(90),
  TERMINAL_IDLE_SECONDS: seconds(900),
  TERMINAL_MAX_SECONDS: seconds(8 * 3600),
  TERMINAL_RECORDING: z.enum(["off", "on"]).default("off"),
  TERMINAL_RECORDING_MAX_MB: megabytes(64),
  MAX_UPLOAD_MB: megabytes(100),
  /** What is uploaded in parts. */
  MAX_MULTIPART_GB: gigabytes(5),
  MAX_MODEL_MB: megabytes(30),
  /** Per minute and client address; 0 lifts the limit. */
  RATE_LIMIT_LOGIN: perMinute(10),
  RATE_LIMIT_REGISTER: perMinute(10),
  RATE_LIMIT_REFRESH: perMinute(30),
  RATE_LIMIT_MFA: perMinute(10),
  RATE_LIMIT_RESET: perMinute(10),
  RATE_LIMIT_API: perMinute(1000),
  /** Proxies of our own in front, each of which adds to `X-Forwarded-For`; unset behind Cloudflare. */
  TRUSTED_HOPS: wholeNumber.optional(),
  /** JSON array; see `identity-config.ts`. */
  OIDC_PROVIDERS: oidcProviders.default([]),
  LDAP_URL: ldapUrl.optional(),
  LDAP_BASE_DN: z.string().min(1).optional(),
  LDAP_BIND_DN: z.string().min(1).optional(),
  LDAP_BIND_PASSWORD: z.string().min(1).optional(),
  LDAP_USER_FILTER: z
    .string()
    .includes("{username}", { message: "must hold {username}" })
    .default("(|(mail={username})(uid={username}))"),
  /** Finds groups by `{dn}` or `{username}`, where entries do not name theirs. */
  LDAP_GROUP_FILTER: z
    .string()
    .regex(/\{(?:dn|username)\}/, "must hold {dn} or {username}")
    .optional(),
  LDAP_GROUP_ATTRIBUTE: z.string().min(1).default("memberOf"),
  LDAP_ROLE_GROUPS: roleGroups.optional(),
  LDAP_TIMEOUT_MS: z.coerce.number().int().min(100).max(60_000).default(5000),
  /** Lets passwords cross a network in clear, to a directory without TLS. */
  LDAP_ALLOW_PLAIN: z
    .enum(["true", "false"])
    .default("false")
    .transform((text) => text === "true"),
  /** Shown by scrapers of `/metrics`. */
  METRICS_TOKEN: z.string().min(16, "must have at least 16 characters").optional(),
  /** The language model that suggests notebook cells. */
  OLLAMA_BASE_URL: z.string().url().default("http://127.0.0.1:11434"),
  OLLAMA_MODEL: z.string().min(1).default("qwen2.5-coder:7b"),
  OLLAMA_TIMEOUT_MS: z.coerce.number().int().min(100).max(600_000).default(60_000),
  RESEND_API_KEY: z.string().min(1).optional(),
  MAIL_FROM: z.string().min(3).optional(),
  S3_ENDPOINT: z.string().url().optional(),
  S3_BUCKET: z.string().min(1).optional(),
  S3_REGION: z.string().min(1).default("auto"),
  S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  UPSTASH_REDIS_REST_URL: z.string().url().optional(),
  UPSTASH_REDIS_REST_TOKEN: z.string().min(1).optional(),
  ...VaultVariables.shape,
});

/** What Vault may hold, each under its name in lower case. */
export const SECRET_NAMES = [
  "DATABASE_URL",
  "JWT_SECRET",
  "JWT_PREVIOUS_SECRETS",
  "JWT_PRIVATE_KEY",
  "LDAP_BIND_PASSWORD",
  "OIDC_PROVIDERS",
  "ENCRYPTION_KEYS",
  "AUDIT_SECRET",
  "METRICS_TOKEN",
  "RESEND_API_KEY",
  "S3_ACCESS_KEY_ID",
  "S3_SECRET_ACCESS_KEY",
  "UPSTASH_REDIS_REST_TOKEN",
] as const satisfies (keyof typeof Variables.shape)[];

export type Config = z.infer<typeof Variables>;

/** Variables that say nothing without each other. */
const TOGETHER = [
  ["S3_ENDPOINT", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"],
  ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"],
  ["RESEND_API_KEY", "MAIL_FROM"],
  ["LDAP_URL", "LDAP_BASE_DN"],
  ["LDAP_BIND_DN", "LDAP_BIND_PASSWORD"],
] as const satisfies (keyof Config)[][];

function faultsIn(config: Config): string[] {
  const needsKey = config.JWT_ALGORITHM !== "HS256" && !config.JWT_PRIVATE_KEY;
  const alone = TOGETHER.flatMap((names) => {
    const missing = names.filter((name) => config[name] === undefined);
    if (missing.length === 0 || missing.length === names.length) return [];
    const given = names.filter((name) => config[name] !== undefined);
    return [`${given.join(", ")} without ${missing.join(", ")}`];
  });
  const inClear = ldapFault(config);
  return [
    ...alone,
    ...(needsKey ? [`JWT_ALGORITHM ${config.JWT_ALGORITHM} without JWT_PRIVATE_KEY`] : []),
    ...(inClear ? [inClear] : []),
  ];
}

/** Says which variables are wrong, and never what they hold. */
export class MisconfiguredError extends Error {
  override name = "MisconfiguredError";
}

/** Reads and checks the environment; what is wrong is named, never shown. */
export function readConfig(env: object): Config {
  const parsed = Variables.safeParse(env);
  const faults = parsed.success
    ? faultsIn(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`);
  if (parsed.success && faults.length === 0) return parsed.data;
  throw new MisconfiguredError(`Configuration: ${faults.join("; ")}`);
}

const aMinute = (limit: number) => ({ limit, windowSeconds: 60 });

function passkeysOf({ PUBLIC_URL, WEBAUTHN_RP_ID, ALLOWED_ORIGINS }: Config): Settings["passkeys"] {
  const { hostname, origin } = new URL(PUBLIC_URL);
  // `*` opens the API to pages that bring their own token; a passkey it must not hand to every page.
  const dashboards = [...ALLOWED_ORIGINS].filter((allowed) => allowed !== "*");
  return { rpId: WEBAUTHN_RP_ID ?? hostname, origins: [...new Set([origin, ...dashboards])] };
}

export const settingsOf = (config: Config): Settings => ({
  registration: config.REGISTRATION,
  accessTokenSeconds: config.ACCESS_TOKEN_SECONDS,
  refreshTokenSeconds: config.REFRESH_TOKEN_SECONDS,
  sessionMaxSeconds: config.SESSION_MAX_SECONDS,
  requireMfa: config.REQUIRE_MFA as ReadonlySet<Role>,
  auditRetentionDays: config.AUDIT_RETENTION_DAYS,
  auditSecret: new SecretText(config.AUDIT_SECRET ?? config.JWT_SECRET),
  leaseSeconds: config.LEASE_SECONDS,
  terminal: {
    idleSeconds: config.TERMINAL_IDLE_SECONDS,
    maxSeconds: config.TERMINAL_MAX_SECONDS,
    isRecorded: config.TERMINAL_RECORDING === "on",
    recordingMaxBytes: Math.floor(config.TERMINAL_RECORDING_MAX_MB * 1_000_000),
  },
  maxUploadBytes: Math.floor(config.MAX_UPLOAD_MB * 1_000_000),
  maxMultipartBytes: Math.floor(config.MAX_MULTIPART_GB * 1_000_000_000),
  maxModelBytes: Math.floor(config.MAX_MODEL_MB * 1_000_000),
  allowedOrigins: config.ALLOWED_ORIGINS,
  publicUrl: config.PUBLIC_URL.replace(/\/+$/, ""),
  passkeys: passkeysOf(config),
  rateLimits: {
    login: aMinute(config.RATE_LIMIT_LOGIN),
    register: aMinute(config.RATE_LIMIT_REGISTER),
    refresh: aMinute(config.RATE_LIMIT_REFRESH),
    mfa: aMinute(config.RATE_LIMIT_MFA),
    reset: aMinute(config.RATE_LIMIT_RESET),
    api: aMinute(config.RATE_LIMIT_API),
  },
  trustedHops: config.TRUSTED_HOPS,
  metricsToken: config.METRICS_TOKEN === undefined ? null : new SecretText(config.METRICS_TOKEN),
});

import { z } from "zod";
import type { Settings } from "./kernel/ctx.ts";

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
const seconds = (fallback: number) => z.coerce.number().int().min(1).default(fallback);
// Written out, because coercing an empty text would make it 0, and 0 lifts a limit.
const wholeNumber = z.coerce
  .string()
  .regex(/^\d{1,9}$/, "must be a whole number")
  .transform(Number);
const perMinute = (fallback: number) => wholeNumber.default(fallback);
const megabytes = (fallback: number) => z.coerce.number().positive().default(fallback);

/** Every variable the Worker reads, with its default. README's configuration table is checked against it. */
export const Variables = z.object({
  DATABASE_URL: z.string().min(1),
  /** Where the Neon protocol gateway listens, locally; unset with Neon itself. */
  NEON_PROXY: z.string().url().optional(),
  JWT_SECRET: z.string().min(32, "must have at least 32 characters"),
  JWT_ISSUER: z.string().min(1).default("myelin"),
  PUBLIC_URL: z.string().url().default("http://localhost:8787"),
  ALLOWED_ORIGINS: flagList,
  REGISTRATION: z.enum(["open", "closed"]).default("open"),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"]).default("info"),
  ACCESS_TOKEN_SECONDS: seconds(900),
  REFRESH_TOKEN_SECONDS: seconds(30 * 86_400),
  LEASE_SECONDS: seconds(30),
  MAX_UPLOAD_MB: megabytes(100),
  MAX_MODEL_MB: megabytes(30),
  /** Per minute and client address; 0 lifts the limit. */
  RATE_LIMIT_LOGIN: perMinute(10),
  RATE_LIMIT_REGISTER: perMinute(10),
  RATE_LIMIT_REFRESH: perMinute(30),
  /** Proxies of our own in front, each of which adds to `X-Forwarded-For`; unset behind Cloudflare. */
  TRUSTED_HOPS: wholeNumber.optional(),
  S3_ENDPOINT: z.string().url().optional(),
  S3_BUCKET: z.string().min(1).optional(),
  S3_REGION: z.string().min(1).default("auto"),
  S3_ACCESS_KEY_ID: z.string().min(1).optional(),
  S3_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  UPSTASH_REDIS_REST_URL: z.string().url().optional(),
  UPSTASH_REDIS_REST_TOKEN: z.string().min(1).optional(),
});

export type Config = z.infer<typeof Variables>;

/** Variables that say nothing without each other. */
const TOGETHER = [
  ["S3_ENDPOINT", "S3_BUCKET", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"],
  ["UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"],
] as const satisfies (keyof Config)[][];

function faultsIn(config: Config): string[] {
  return TOGETHER.flatMap((names) => {
    const missing = names.filter((name) => config[name] === undefined);
    if (missing.length === 0 || missing.length === names.length) return [];
    const given = names.filter((name) => config[name] !== undefined);
    return [`${given.join(", ")} without ${missing.join(", ")}`];
  });
}

/** Reads and checks the environment; what is wrong is named, never shown. */
export function readConfig(env: object): Config {
  const parsed = Variables.safeParse(env);
  const faults = parsed.success
    ? faultsIn(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`);
  if (parsed.success && faults.length === 0) return parsed.data;
  throw new Error(`Configuration: ${faults.join("; ")}`);
}

const aMinute = (limit: number) => ({ limit, windowSeconds: 60 });

export const settingsOf = (config: Config): Settings => ({
  registration: config.REGISTRATION,
  accessTokenSeconds: config.ACCESS_TOKEN_SECONDS,
  refreshTokenSeconds: config.REFRESH_TOKEN_SECONDS,
  leaseSeconds: config.LEASE_SECONDS,
  maxUploadBytes: Math.floor(config.MAX_UPLOAD_MB * 1_000_000),
  maxModelBytes: Math.floor(config.MAX_MODEL_MB * 1_000_000),
  allowedOrigins: config.ALLOWED_ORIGINS,
  publicUrl: config.PUBLIC_URL,
  rateLimits: {
    login: aMinute(config.RATE_LIMIT_LOGIN),
    register: aMinute(config.RATE_LIMIT_REGISTER),
    refresh: aMinute(config.RATE_LIMIT_REFRESH),
  },
  trustedHops: config.TRUSTED_HOPS,
});

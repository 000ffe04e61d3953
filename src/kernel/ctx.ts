import type { Db } from "../db/client.ts";
import type { Actor } from "./actor.ts";
import type { Log } from "./log.ts";
import type { Blobs } from "./ports/blobs.ts";
import type { Limiter } from "./ports/limiter.ts";
import type { ModelPools } from "./ports/model-pools.ts";
import type { PasswordHasher, TokenSigner } from "./ports/credentials.ts";
import type { RunFeeds } from "./ports/run-feeds.ts";
import type { RateLimits } from "./rate-limits.ts";

/** Limits and switches a verb may need, from the Worker's configuration. */
export interface Settings {
  registration: "open" | "closed";
  accessTokenSeconds: number;
  refreshTokenSeconds: number;
  /** How long a run stays with an agent that says nothing. */
  leaseSeconds: number;
  maxUploadBytes: number;
  maxModelBytes: number;
  allowedOrigins: ReadonlySet<string>;
  publicUrl: string;
  rateLimits: RateLimits;
  /** How many proxies of our own stand in front; `undefined` behind Cloudflare. */
  trustedHops: number | undefined;
}

/** All a verb needs besides its input: who asks, and the ports. No framework type in here. */
export interface Ctx {
  actor: Actor;
  requestId: string;
  now: Date;
  log: Log;
  settings: Settings;
  db: Db;
  blobs: Blobs;
  feeds: RunFeeds;
  pools: ModelPools;
  limiter: Limiter;
  passwords: PasswordHasher;
  tokens: TokenSigner;
  /** Lets work outlive the answer; failures are logged. */
  background(name: string, work: Promise<unknown>): void;
}

import type { Db } from "../db/client.ts";
import type { Actor, Role } from "./actor.ts";
import type { Log } from "./log.ts";
import type { AgentLinks } from "./ports/agent-links.ts";
import type { Blobs } from "./ports/blobs.ts";
import type { Assistant } from "./ports/assistant.ts";
import type { AuditInput, AuditTrail } from "./ports/audit-trail.ts";
import type { Directory } from "./ports/directory.ts";
import type { IdentityProvider } from "./ports/identity-provider.ts";
import type { Limiter } from "./ports/limiter.ts";
import type { Mailer } from "./ports/mailer.ts";
import type { ModelPools } from "./ports/model-pools.ts";
import type { PartUploads } from "./ports/part-uploads.ts";
import type { PasswordHasher, TokenSigner } from "./ports/credentials.ts";
import type { NotebookRooms } from "./ports/notebook-rooms.ts";
import type { RunFeeds } from "./ports/run-feeds.ts";
import type { Sealer } from "./ports/sealer.ts";
import type { TrafficTotals } from "./ports/traffic-board.ts";
import type { RateLimits } from "./rate-limits.ts";
import type { SecretText } from "./secret-text.ts";

export interface TerminalSettings {
  /** How long a terminal lives without a key pressed, and at most. */
  idleSeconds: number;
  maxSeconds: number;
  /** Every terminal is; an agent's own setting may add to that and take nothing away. */
  isRecorded: boolean;
  recordingMaxBytes: number;
}

/** Limits and switches a verb may need, from the Worker's configuration. */
export interface Settings {
  /** Who may open an account: anybody, whoever shows the address to be theirs, or whom an administrator then lets in. */
  registration: "open" | "verify" | "approve" | "closed";
  accessTokenSeconds: number;
  /** How long a session may lie idle; each refresh starts it anew. */
  refreshTokenSeconds: number;
  /** How long a session lasts at most. */
  sessionMaxSeconds: number;
  /** Roles that get nothing but their factor set-up until they have a second factor. */
  requireMfa: ReadonlySet<Role>;
  auditRetentionDays: number;
  auditSecret: SecretText;
  /** How long a run stays with an agent that says nothing. */
  leaseSeconds: number;
  terminal: TerminalSettings;
  maxUploadBytes: number;
  /** Of what comes in parts. */
  maxMultipartBytes: number;
  maxModelBytes: number;
  allowedOrigins: ReadonlySet<string>;
  publicUrl: string;
  /** Whom passkeys are made for (WebAuthn's RP id, a domain), and the pages that may use them. */
  passkeys: { rpId: string; origins: readonly string[] };
  rateLimits: RateLimits;
  /** How many proxies of our own stand in front; `undefined` behind Cloudflare. */
  trustedHops: number | undefined;
  /** What a scraper shows; `null` where there is none. */
  metricsToken: SecretText | null;
}

/** Where a request comes from. */
export interface Client {
  /** `null` when it cannot be told. */
  ip: string | null;
  /** What limits count it by: the address, or the network of an IPv6 address. */
  network: string;
  userAgent: string | null;
}

/** All a verb needs besides its input: who asks, and the ports. No framework type in here. */
export interface Ctx {
  actor: Actor;
  requestId: string;
  client: Client;
  now: Date;
  log: Log;
  settings: Settings;
  db: Db;
  blobs: Blobs;
  /** Large files that come in parts, each when its sender is ready. */
  partUploads: PartUploads;
  feeds: RunFeeds;
  pools: ModelPools;
  agentLinks: AgentLinks;
  rooms: NotebookRooms;
  assistant: Assistant;
  limiter: Limiter;
  passwords: PasswordHasher;
  tokens: TokenSigner;
  sealer: Sealer;
  /** Delivers mail; `null` where the outbox is all there is. */
  mailer: Mailer | null;
  /** Who else says who somebody is, by name. */
  identityProviders: ReadonlyMap<string, IdentityProvider>;
  /** Checks the passwords of people who have none here; `null` where there is none. */
  directory: Directory | null;
  auditTrail: AuditTrail;
  /** What all isolates have counted. */
  traffic: { totals(): Promise<TrafficTotals> };
  /** Writes down what happened, by whom and from where. Never throws: what cannot be written is logged. */
  audit(event: AuditInput): Promise<void>;
  /** Whether this request has told the trail something already. */
  hasAudited(): boolean;
  /** Lets work outlive the answer; failures are logged. */
  background(name: string, work: Promise<unknown>): void;
}

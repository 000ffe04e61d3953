import { createAesSealer } from "./adapters/aes-sealer.ts";
import { createAgentKernels } from "./adapters/agent-kernels.ts";
import { argon2 } from "./adapters/argon2.ts";
import {
  createAgentLinks,
  createAuditTrail,
  createDurableLimiter,
  createModelPools,
  createNotebookRooms,
  createRunFeeds,
  createTrafficBoard,
} from "./adapters/durable.ts";
import { inTurn } from "./adapters/hash-queue.ts";
import { createKernels } from "./adapters/kernels.ts";
import { createJwt } from "./adapters/jwt.ts";
import { createLdapDirectory } from "./adapters/ldap.ts";
import { withFallback } from "./adapters/limiter-fallback.ts";
import { createDb } from "./adapters/neon.ts";
import { createOidcProvider } from "./adapters/oidc.ts";
import { createOllama } from "./adapters/ollama.ts";
import { onnxRuntime } from "./adapters/onnxruntime.ts";
import { quickJsKernels } from "./adapters/quickjs.ts";
import { createR2Blobs } from "./adapters/r2.ts";
import { createR2Parts } from "./adapters/r2-parts.ts";
import { createResendMailer } from "./adapters/resend.ts";
import { createS3Blobs } from "./adapters/s3.ts";
import { createS3Parts } from "./adapters/s3-parts.ts";
import { createUpstashLimiter } from "./adapters/upstash.ts";
import { type Config, readConfig, settingsOf, Variables } from "./config.ts";
import {
  type AgentLinkPorts,
  createAgentRecords,
  createRecordingArchive,
  listKernelAgents,
} from "./features/agents/index.ts";
import { type AuditLogPorts, createAuditArchive } from "./features/audit/index.ts";
import { type ModelPoolPorts, recordMinutes } from "./features/inference/index.ts";
import { TrafficMeter } from "./features/metrics/index.ts";
import { createRoomArchive, type NotebookRoomPorts } from "./features/notebooks/index.ts";
import { createRunArchive, type RunFeedPorts } from "./features/runs/index.ts";
import { ldapOptionsOf } from "./identity-config.ts";
import type { Actor } from "./kernel/actor.ts";
import { auditEventOf } from "./kernel/audit-event.ts";
import type { Client, Ctx } from "./kernel/ctx.ts";
import { LocalFirstLimiter } from "./kernel/local-first-limiter.ts";
import { deferred } from "./kernel/deferred.ts";
import { createLog, type Log } from "./kernel/log.ts";
import type { Limiter } from "./kernel/ports/limiter.ts";
import { Secrets } from "./secrets.ts";

/** The Worker's bindings; variables are read through `config.ts`. */
export interface Env {
  BLOBS: R2Bucket;
  ASSETS?: Fetcher;
  RUN_FEED: DurableObjectNamespace;
  MODEL_POOL: DurableObjectNamespace;
  RATE_WINDOW: DurableObjectNamespace;
  AUDIT_LOG: DurableObjectNamespace;
  AGENT_LINK: DurableObjectNamespace;
  TRAFFIC_BOARD: DurableObjectNamespace;
  NOTEBOOK_ROOM: DurableObjectNamespace;
}

/** What does not change between the requests of one isolate. */
export interface Platform extends Omit<
  Ctx,
  "actor" | "requestId" | "client" | "now" | "log" | "background" | "audit" | "hasAudited"
> {
  log: Log;
  /** For the limit on everything. */
  generalLimiter: LocalFirstLimiter;
  traffic: TrafficMeter;
}

/** Where files are kept: an S3-compatible store where one is named, else the R2 bucket. */
function storeOf(config: Config, bucket: R2Bucket): Pick<Platform, "blobs" | "partUploads"> {
  const { S3_ENDPOINT, S3_BUCKET, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = config;
  if (!S3_ENDPOINT || !S3_BUCKET || !S3_ACCESS_KEY_ID || !S3_SECRET_ACCESS_KEY)
    return { blobs: createR2Blobs(bucket), partUploads: createR2Parts(bucket) };
  const options = {
    endpoint: S3_ENDPOINT,
    bucket: S3_BUCKET,
    region: S3_REGION,
    accessKeyId: S3_ACCESS_KEY_ID,
    secretAccessKey: S3_SECRET_ACCESS_KEY,
  };
  return { blobs: createS3Blobs(options), partUploads: createS3Parts(options) };
}

function limiterOf(config: Config, namespace: DurableObjectNamespace): Limiter {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = config;
  return url && token ? createUpstashLimiter({ url, token }) : createDurableLimiter(namespace);
}

const mailerOf = ({ RESEND_API_KEY: apiKey, MAIL_FROM: from }: Config) =>
  apiKey && from ? createResendMailer({ apiKey, from }) : null;

function directoryOf(config: Config) {
  const options = ldapOptionsOf(config);
  return options ? createLdapDirectory(options) : null;
}

function assemble(env: Env): Platform {
  const config = readConfig(env);
  const log = createLog(config.LOG_LEVEL);
  const limiter = withFallback(limiterOf(config, env.RATE_WINDOW), log);
  return {
    log,
    settings: settingsOf(config),
    db: createDb(config.DATABASE_URL, config.NEON_PROXY),
    ...storeOf(config, env.BLOBS),
    feeds: createRunFeeds(env.RUN_FEED),
    pools: createModelPools(env.MODEL_POOL),
    agentLinks: createAgentLinks(env.AGENT_LINK),
    rooms: createNotebookRooms(env.NOTEBOOK_ROOM),
    assistant: createOllama({
      baseUrl: config.OLLAMA_BASE_URL,
      model: config.OLLAMA_MODEL,
      timeoutMs: config.OLLAMA_TIMEOUT_MS,
    }),
    limiter,
    generalLimiter: new LocalFirstLimiter(limiter),
    passwords: inTurn(argon2, { atOnce: 2, waiting: 64 }),
    tokens: createJwt({
      issuer: config.JWT_ISSUER,
      algorithm: config.JWT_ALGORITHM,
      secret: config.JWT_SECRET,
      previousSecrets: config.JWT_PREVIOUS_SECRETS,
      privateKey: config.JWT_PRIVATE_KEY,
      previousPublicKeys: config.JWT_PREVIOUS_PUBLIC_KEYS,
    }),
    sealer: createAesSealer(config.ENCRYPTION_KEYS ?? [{ id: "jwt", secret: config.JWT_SECRET }]),
    mailer: mailerOf(config),
    identityProviders: new Map(config.OIDC_PROVIDERS.map((given) => [given.name, createOidcProvider(given)])),
    directory: directoryOf(config),
    auditTrail: createAuditTrail(env.AUDIT_LOG),
    traffic: new TrafficMeter(createTrafficBoard(env.TRAFFIC_BOARD), log, crypto.randomUUID()),
  };
}

/** What each run's feed needs of the platform. */
export const runFeedPorts = (env: Env): RunFeedPorts => ({
  archive: deferred(async () => createRunArchive((await platformOf(env)).db)),
  log: logOf(env),
  wakeGraceMs: Variables.shape.LEASE_SECONDS.catch(90).parse(variable(env, "LEASE_SECONDS")) * 1000,
});

/** What each model's pool needs of the platform. */
export const modelPoolPorts = (env: Env): ModelPoolPorts => ({
  blobs: deferred(async () => (await platformOf(env)).blobs),
  runtime: onnxRuntime,
  recordMinutes: async (rows) => recordMinutes((await platformOf(env)).db, rows),
  log: logOf(env),
});

/** What each agent's link needs of the platform. */
export const agentLinkPorts = (env: Env): AgentLinkPorts => ({
  records: deferred(async () => createAgentRecords((await platformOf(env)).db)),
  recordings: deferred(async () => createRecordingArchive((await platformOf(env)).db)),
  blobs: deferred(async () => (await platformOf(env)).blobs),
  auditTrail: createAuditTrail(env.AUDIT_LOG),
  log: logOf(env),
});

/** What each notebook's room needs of the platform. */
export const notebookRoomPorts = (env: Env): NotebookRoomPorts => ({
  archive: deferred(async () => createRoomArchive((await platformOf(env)).db)),
  kernels: createKernels({
    javascript: quickJsKernels,
    python: createAgentKernels(createAgentLinks(env.AGENT_LINK), async (ownerId) =>
      listKernelAgents({ ...(await platformOf(env)), now: new Date() }, ownerId),
    ),
  }),
  log: logOf(env),
});

/** What the audit trail's keeper needs of the platform. */
export const auditLogPorts = (env: Env): AuditLogPorts => ({
  archive: deferred(async () => createAuditArchive((await platformOf(env)).db)),
  secret: async () => (await platformOf(env)).settings.auditSecret.reveal(),
  log: logOf(env),
});

const variable = (env: Env, name: string): unknown => (env as unknown as Record<string, unknown>)[name];
// What is wrong with a setting is said where all are checked.
const logOf = (env: Env): Log =>
  createLog(Variables.shape.LOG_LEVEL.catch("info").parse(variable(env, "LOG_LEVEL")));

const secrets = new WeakMap<Env, Secrets<Env>>();
const platforms = new WeakMap<Env, Platform>();

/** Joins adapters to ports, once per isolate and set of secrets. The one place that does. */
export function platformOf(env: Env): Platform | Promise<Platform> {
  let source = secrets.get(env);
  if (!source) secrets.set(env, (source = new Secrets(env, logOf(env))));
  const resolved = source.resolve();
  return resolved instanceof Promise ? resolved.then(platformWith) : platformWith(resolved);
}

function platformWith(env: Env): Platform {
  let platform = platforms.get(env);
  if (!platform) platforms.set(env, (platform = assemble(env)));
  return platform;
}

interface Asked {
  actor: Actor;
  requestId: string;
  client: Client;
}

/** A verb's context: the platform plus who asks, from where and when. */
export function createCtx(
  platform: Platform,
  { actor, requestId, client }: Asked,
  waitUntil: (work: Promise<unknown>) => void,
): Ctx {
  const log = createLogFor(platform, requestId);
  const now = new Date();
  let audited = false;
  return {
    ...platform,
    actor,
    requestId,
    client,
    now,
    log,
    background: (name, work) =>
      waitUntil(work.catch((error: unknown) => log("error", "background.failed", { work: name, error }))),
    hasAudited: () => audited,
    async audit(input) {
      audited = true;
      const event = auditEventOf(input, { actor, requestId, client, now: new Date() });
      try {
        await platform.auditTrail.append([event]);
      } catch (error) {
        log("error", "audit.lost", { event, error });
      }
    },
  };
}

/** The platform's log with the request id in every line. */
export const createLogFor =
  (platform: Platform, requestId: string): Log =>
  (level, event, fields) =>
    platform.log(level, event, { request_id: requestId, ...fields });

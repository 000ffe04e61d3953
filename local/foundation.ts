import { mkdirSync } from "node:fs";
import { openDatabase } from "./database.ts";
import { lockDataDir } from "./data-lock.ts";
import type { DataLock } from "./data-lock.ts";
import { requireFree } from "./free-port.ts";
import { ownSecrets } from "./own-secrets.ts";
import { devopsOf } from "./provision-devops.ts";
import { provision } from "./provision.ts";
import type { Teardown } from "./teardown.ts";
import { pickWorkerEnv } from "./worker-env.ts";

export interface LocalOptions {
  dataDir: string;
  /** 0 picks a free one. */
  port: number;
  host: string;
  /** Also run the local agent. */
  agent: boolean;
  /** Settings as from the environment; nothing is read from `process.env`. */
  env: Record<string, string | undefined>;
  log: (line: string) => void;
  /** Told when something that cannot be mended ends while running; the platform is of no use then. */
  onFailure?: (error: Error) => void;
  /** The process to name to a second starter, when it is not this one. */
  holder?: number;
}

/** What a Worker stands on, however it is run. */
export interface Foundation {
  lock: DataLock;
  databaseUrl: string;
  /** The Worker's variables, all but its own address. */
  vars: Record<string, string>;
}

/**
 * Miniflare passes a client's own `CF-Connecting-IP` on, so the Worker must not believe it here. Clients that cannot be
 * told apart must not use up each other's calls.
 */
const NO_EDGE = { TRUSTED_HOPS: "0", RATE_LIMIT_API: "0" };

/** Takes the data folder and brings up a database that is migrated and has an administrator. */
export async function layFoundation(options: LocalOptions, teardown: Teardown): Promise<Foundation> {
  const { dataDir, env, holder, agent } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = await lockDataDir(dataDir, holder);
  teardown.add(async () => lock.release());
  await requireFree(options.port, options.host);
  const secrets = ownSecrets(env, dataDir);
  const devops = await devopsOf(env);
  const database = await openDatabase(options, lock, teardown);
  await provision({
    databaseUrl: database.url,
    superuserUrl: database.superuserUrl,
    dataDir,
    adminEmail: env["ADMIN_EMAIL"],
    devops,
    agent,
  });
  const vars = { ...NO_EDGE, ...pickWorkerEnv(env), ...database.vars, ...secrets };
  return { lock, databaseUrl: database.url, vars };
}

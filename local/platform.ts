import { join, resolve } from "node:path";
import { buildWorker } from "./bundle.ts";
import { layFoundation } from "./foundation.ts";
import type { Foundation, LocalOptions } from "./foundation.ts";
import { freePort, publicUrl } from "./free-port.ts";
import { openAgent } from "./local-agent.ts";
import { openLog } from "./log-file.ts";
import { dataLayout } from "./paths.ts";
import { Refusal } from "./refusal.ts";
import { EVERY_MINUTE, startSchedule } from "./schedule.ts";
import { readSecret } from "./secrets-file.ts";
import { Teardown } from "./teardown.ts";
import { requireWorkerEnv } from "./worker-env.ts";
import { startWorker } from "./worker-runtime.ts";
import type { WorkerRuntime } from "./worker-runtime.ts";

export type PlatformOptions = Omit<LocalOptions, "host" | "log"> & {
  /** Address to listen on (default 127.0.0.1). */
  host?: string;
  /** What a person at the terminal should know. */
  log?: (line: string) => void;
  /** A folder made by `buildWorker`; by default this project's Worker, built if needed. */
  workerDir?: string;
};

/** Everything of Myelin running on this machine. */
export interface Platform {
  url: string;
  dataDir: string;
  /** The Postgres itself, for `pg`; the Worker's neon driver goes through the gateway. */
  databaseUrl: string;
  /** The gateway's address (the Worker's `NEON_PROXY`), or undefined with a hosted Neon. */
  neonProxy: string | undefined;
  /** The first administrator's password. Throws when its file is gone. */
  adminPassword(): string;
  /** Does now what the Worker does by the clock. */
  runScheduled(): Promise<void>;
  /** Ends everything in order. Can be called twice. */
  stop(): Promise<void>;
  /** Ids of the processes that belong to it, below this one. */
  pids(): number[];
}

/** Brings up Postgres, gateway, schema, Worker and agent, or none of them. */
export async function startPlatform(given: PlatformOptions): Promise<Platform> {
  const options = { host: "127.0.0.1", log: () => {}, ...given, dataDir: resolve(given.dataDir) };
  requireWorkerEnv(options.env);
  const teardown = new Teardown();
  try {
    return await bringUp(options, teardown);
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

type Resolved = LocalOptions & Pick<PlatformOptions, "workerDir">;

async function bringUp(options: Resolved, teardown: Teardown): Promise<Platform> {
  const { dataDir, agent } = options;
  // Built while the database comes up: each takes a while and neither needs the other.
  const bundle = Promise.resolve(options.workerDir ?? buildWorker());
  bundle.catch(() => {});
  const foundation = await layFoundation(options, teardown);
  const workerDir = await bundle;
  // Settled before the start, because the Worker is told its own address.
  const port = options.port || (await freePort());
  const worker = await openWorker({ ...options, workerDir, port }, foundation, teardown);
  if (agent) openAgent(options, worker.url, foundation.lock, teardown);
  return {
    url: worker.url,
    dataDir,
    databaseUrl: foundation.databaseUrl,
    neonProxy: foundation.vars["NEON_PROXY"],
    adminPassword: () => adminPassword(dataDir),
    runScheduled: () => worker.runScheduled(EVERY_MINUTE),
    stop: () => teardown.run(),
    pids: () => foundation.lock.children(),
  };
}

async function openWorker(
  options: Resolved & { workerDir: string },
  { vars, lock }: Foundation,
  teardown: Teardown,
): Promise<WorkerRuntime> {
  const { dataDir, host, port, workerDir, log } = options;
  const layout = dataLayout(dataDir);
  const file = openLog(join(layout.logs, "worker.log"));
  teardown.add(() => file.close());
  const worker = await startWorker({
    workerDir,
    host,
    port,
    stateDir: layout.workerState,
    log: file.write,
    vars: { PUBLIC_URL: publicUrl(host, port), ...vars },
    onRestart() {
      log(`The Worker crashed and was started again. See ${layout.logs}.`);
      lock.noteChildren();
    },
  });
  teardown.add(() => worker.stop());
  lock.noteChildren();
  const schedule = startSchedule(worker, log);
  teardown.add(() => schedule.stop());
  return worker;
}

function adminPassword(dataDir: string): string {
  const { adminPassword: path } = dataLayout(dataDir);
  const password = readSecret(path);
  if (password === undefined)
    throw new Refusal(`${path} is gone; the administrator's password is kept nowhere else.`);
  return password;
}

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildWorker } from "../../local/bundle.ts";
import { startPlatform } from "../../local/platform.ts";
import { startOllama } from "./ollama.ts";
import { withoutEngine } from "./without-engine.ts";

declare module "vitest" {
  export interface ProvidedContext {
    url: string;
    databaseUrl: string;
    adminPassword: string;
    /** A second platform that lets nobody in unseen: addresses are verified, accounts approved, a proxy stands in front. */
    guarded: { url: string; databaseUrl: string; adminPassword: string; metricsToken: string };
    /** The key tokens are signed with, so that tests can forge them. */
    jwtSecret: string;
    /** The folder of a Worker that starts in half the time and serves no models. */
    workerWithoutEngine: string;
  }
}

/** Short enough that losing an agent can be tested, long enough that a busy machine loses none. */
const LEASE_SECONDS = "5";

export default async function setup(project: TestProject) {
  const folder = mkdtempSync(join(tmpdir(), "myelin-test-"));
  const jwtSecret = randomUUID();
  const metricsToken = randomUUID();
  const ollama = await startOllama();
  const env = {
    LEASE_SECONDS,
    JWT_SECRET: jwtSecret,
    LOG_LEVEL: "warn",
    OLLAMA_BASE_URL: ollama.url,
    OLLAMA_TIMEOUT_MS: "1500",
    ALLOWED_ORIGINS: "https://dashboard.example",
    // Everybody here comes from one address.
    RATE_LIMIT_LOGIN: "100000",
    RATE_LIMIT_REGISTER: "100000",
    RATE_LIMIT_REFRESH: "100000",
    RATE_LIMIT_MFA: "100000",
    RATE_LIMIT_RESET: "100000",
    RATE_LIMIT_API: "100000000",
  };
  const workerDir = await buildWorker();
  const workerWithoutEngine = withoutEngine(workerDir, join(folder, "worker"));
  const [platform, guarded] = await Promise.all([
    startPlatform({ dataDir: join(folder, "open"), port: 0, agent: true, workerDir, env }),
    startPlatform({
      ...{ dataDir: join(folder, "guarded"), port: 0, agent: false, workerDir: workerWithoutEngine },
      env: { ...env, REGISTRATION: "approve", TRUSTED_HOPS: "1", METRICS_TOKEN: metricsToken },
    }),
  ]);
  project.provide("url", platform.url);
  project.provide("databaseUrl", platform.databaseUrl);
  project.provide("adminPassword", platform.adminPassword());
  project.provide("guarded", {
    url: guarded.url,
    databaseUrl: guarded.databaseUrl,
    adminPassword: guarded.adminPassword(),
    metricsToken,
  });
  project.provide("jwtSecret", jwtSecret);
  project.provide("workerWithoutEngine", workerWithoutEngine);
  return async () => {
    await Promise.all([platform.stop(), guarded.stop(), ollama.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
}

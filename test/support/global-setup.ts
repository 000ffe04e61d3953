import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startPlatform } from "../../local/platform.ts";
import { startOllama } from "./ollama.ts";

declare module "vitest" {
  export interface ProvidedContext {
    url: string;
    databaseUrl: string;
    adminPassword: string;
    /** A second platform that lets nobody in unseen: addresses are verified, accounts approved, a proxy stands in front. */
    guarded: { url: string; databaseUrl: string; adminPassword: string; metricsToken: string };
    /** The key tokens are signed with, so that tests can forge them. */
    jwtSecret: string;
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
  const start = (name: string, agent: boolean, own: Record<string, string>) =>
    startPlatform({ dataDir: join(folder, name), port: 0, agent, env: { ...env, ...own } });
  // The Worker is built once, by whichever starts first.
  const platform = await start("open", true, {});
  const guarded = await start("guarded", false, {
    REGISTRATION: "approve",
    TRUSTED_HOPS: "1",
    METRICS_TOKEN: metricsToken,
  });
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
  return async () => {
    await Promise.all([platform.stop(), guarded.stop(), ollama.stop()]);
    rmSync(folder, { recursive: true, force: true });
  };
}

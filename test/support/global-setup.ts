import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startPlatform } from "../../local/platform.ts";

declare module "vitest" {
  export interface ProvidedContext {
    url: string;
    databaseUrl: string;
    adminPassword: string;
    /** The key tokens are signed with, so that tests can forge them. */
    jwtSecret: string;
  }
}

/** Short enough that losing an agent can be tested, long enough that a busy machine loses none. */
const LEASE_SECONDS = "5";

export default async function setup(project: TestProject) {
  const dataDir = mkdtempSync(join(tmpdir(), "myelin-test-"));
  const jwtSecret = randomUUID();
  const env = {
    LEASE_SECONDS,
    JWT_SECRET: jwtSecret,
    LOG_LEVEL: "warn",
    ALLOWED_ORIGINS: "https://dashboard.example",
    // Everybody here comes from one address.
    RATE_LIMIT_LOGIN: "100000",
    RATE_LIMIT_REGISTER: "100000",
    RATE_LIMIT_REFRESH: "100000",
  };
  const platform = await startPlatform({ dataDir, port: 0, agent: true, env });
  project.provide("url", platform.url);
  project.provide("databaseUrl", platform.databaseUrl);
  project.provide("adminPassword", platform.adminPassword());
  project.provide("jwtSecret", jwtSecret);
  return async () => {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway } from "./gateway.ts";
import type { Gateway } from "./gateway.ts";
import { startPostgres } from "./postgres.ts";

/** A new embedded Postgres with its gateway, for one test file. */
export interface TestDatabase {
  dataDir: string;
  url: string;
  gateway: Gateway;
  logged: string[];
  close(): Promise<void>;
}

export async function openTestDatabase(): Promise<TestDatabase> {
  const dataDir = temporaryFolder();
  const postgres = await startPostgres(dataDir);
  const logged: string[] = [];
  const gateway = await startGateway(postgres.url, (line) => logged.push(line));
  return {
    dataDir,
    url: postgres.url,
    gateway,
    logged,
    async close() {
      await gateway.close();
      await postgres.stop();
      rmSync(dataDir, { recursive: true });
    },
  };
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), "myelin-local-"));
}

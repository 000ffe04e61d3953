import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPlatform } from "../local/platform.ts";

/** What this process tells the benchmark that forked it. */
export interface PlatformFacts {
  url: string;
  databaseUrl: string;
  dataDir: string;
  pids: number[];
}

// A process of its own: the platform's gateway must not wait for the load generator's event loop, nor the other way round.
const [workerDir, agent] = process.argv.slice(2);
const dataDir = mkdtempSync(join(tmpdir(), "myelin-bench-"));
const remove = () => rmSync(dataDir, { recursive: true, force: true });

// The agent is a child of this process.
process.env["MYELIN_AGENT_ALLOW_TERMINAL"] = "true";

const platform = await startPlatform({
  dataDir,
  workerDir: workerDir!,
  port: 0,
  agent: agent === "agent",
  env: {
    LOG_LEVEL: "error",
    ACCESS_TOKEN_SECONDS: "86400",
    // In force, but out of reach: everything here comes from one address.
    RATE_LIMIT_API: "100000000",
    RATE_LIMIT_LOGIN: "100000000",
    RATE_LIMIT_REGISTER: "100000000",
  },
  log: (line) => console.error(line),
  onFailure: (error) => console.error(error),
}).catch((error: unknown) => {
  remove();
  throw error;
});

const end = () => void platform.stop().finally(remove);
process.once("disconnect", end);
if (process.connected) {
  const { url, databaseUrl } = platform;
  process.send!({ url, databaseUrl, dataDir, pids: platform.pids() } satisfies PlatformFacts);
} else end();

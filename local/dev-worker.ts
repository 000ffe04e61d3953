import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { OFFLINE, wranglerProgram } from "./bundle.ts";
import { toDotenv } from "./dotenv.ts";
import { localUrl } from "./free-port.ts";
import { dataLayout, projectDir } from "./paths.ts";
import { killTree } from "./process-tree.ts";
import { Refusal } from "./refusal.ts";

export interface DevWorkerOptions {
  dataDir: string;
  host: string;
  port: number;
  vars: Record<string, string>;
  onFailure: (error: Error) => void;
}

/** Runs `wrangler dev` on the state of the data folder and returns once it serves. */
export async function startWranglerDev(options: DevWorkerOptions) {
  const { dataDir, host, port, vars, onFailure } = options;
  // A file, because arguments can be read by every user of the machine.
  writeFileSync(dataLayout(dataDir).devVars, toDotenv(vars), { mode: 0o600 });
  const child = spawn(process.execPath, [wranglerProgram(), "dev", ...wranglerFlags(options)], {
    cwd: projectDir,
    env: { ...process.env, ...OFFLINE },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await ready(child);
  const died = () => onFailure(new Refusal("wrangler dev ended; its last lines say why."));
  child.once("exit", died);
  return {
    async runScheduled(cron: string): Promise<void> {
      const query = new URLSearchParams({ cron });
      const response = await fetch(`${localUrl(host, port)}/cdn-cgi/local/scheduled?${query}`);
      if (!response.ok)
        throw new Error(`The scheduled handler answered ${response.status}: ${await response.text()}`);
    },
    async stop(): Promise<void> {
      child.off("exit", died);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      // Wrangler waits for its prompts and proxies; its state is on disk all the time, so nothing is lost.
      killTree((one) => one.pid === child.pid);
      await gone;
    },
  };
}

function wranglerFlags({ dataDir, host, port }: DevWorkerOptions): string[] {
  const { devVars, worker } = dataLayout(dataDir);
  const flags = {
    ip: host,
    port: String(port),
    "inspector-port": "0",
    "env-file": devVars,
    "persist-to": worker,
  };
  return [
    ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    "--show-interactive-dev-session=false",
  ];
}

/** Passes wrangler's output on, and returns at the line that says where it listens. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).on("line", (line) => {
      console.log(line);
      if (line.includes("Ready on ")) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Refusal("wrangler dev did not start; its last lines say why.")));
  });
}

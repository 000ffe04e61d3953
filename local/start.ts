import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { requireNode } from "./node-version.ts";
import { HELP, readOptions } from "./options.ts";
import type { StartOptions } from "./options.ts";
import { dataLayout } from "./paths.ts";
import { explain } from "./refusal.ts";
import type { Running } from "./start-platform.ts";
import { supervise } from "./supervisor.ts";

/** `npm start`: everything on this machine, from the built Worker. */
async function main(): Promise<number> {
  requireNode();
  const options = readOptions(process.argv.slice(2), process.env);
  if (!options) {
    console.log(HELP);
    return 0;
  }
  const started = performance.now();
  return await supervise<StartOptions, Running>({
    program: join(import.meta.dirname, "start-platform.ts"),
    options,
    onReady: ({ url }) => announce(url, options, performance.now() - started),
  });
}

function announce(url: string, { dataDir }: StartOptions, tookMs: number): void {
  const { adminPassword, logs } = dataLayout(dataDir);
  console.log(`Myelin runs at ${url} (started in ${(tookMs / 1000).toFixed(1)} s)`);
  console.log(`  API reference           ${url}/docs`);
  if (existsSync(adminPassword)) console.log(`  Administrator password  ${shown(adminPassword)}`);
  console.log(`  Logs                    ${shown(logs)}`);
  console.log("Stop it with Ctrl-C.");
}

const shown = (path: string) => (relative(".", path).startsWith("..") ? path : relative(".", path));

try {
  process.exitCode = await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}

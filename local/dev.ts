import { join } from "node:path";
import { requireNode } from "./node-version.ts";
import { HELP, readOptions } from "./options.ts";
import type { StartOptions } from "./options.ts";
import { explain } from "./refusal.ts";
import { supervise } from "./supervisor.ts";

/** `npm run dev`: the services of `npm start` around `wrangler dev`, which reloads the Worker on every change. */
async function main(): Promise<number> {
  requireNode();
  const options = readOptions(process.argv.slice(2), process.env);
  if (!options) {
    console.log(HELP.replace("npm start", "npm run dev"));
    return 0;
  }
  return await supervise<StartOptions, undefined>({
    program: join(import.meta.dirname, "dev-platform.ts"),
    options,
    onReady: () => {},
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}

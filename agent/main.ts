import { readFileSync } from "node:fs";
import { Agent } from "./agent.ts";
import { Api, Refused } from "./api.ts";
import { readOptions } from "./options.ts";

/**
 * The agent: dials in to a Myelin deployment and trains there what has to be trained on a machine.
 * Exit codes: 0 told to stop, 2 bad usage, 3 the server does not take the token.
 */
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};
const log = (text: string) => console.log(`${new Date().toISOString()} ${text}`);

function optionsOrExit() {
  try {
    return readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

const { url, token, directory, concurrency } = optionsOrExit();
const agent = new Agent({ api: new Api(url, token), directory, concurrency, version, log });

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void agent.stop().then(() => process.exit(0)));
}

log(`agent ${version} dials in to ${url}`);
try {
  await agent.run();
} catch (error) {
  log(error instanceof Refused ? `the server refused the token: ${error.message}` : String(error));
  process.exitCode = 3;
}

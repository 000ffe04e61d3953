import { readFileSync } from "node:fs";
import { Refused } from "./api.ts";
import { Occupied } from "./link/link.ts";
import { ownFile } from "./own-file.ts";
import { ownFolder } from "./own-folder.ts";
import { readOptions } from "./options.ts";
import { Program } from "./program.ts";
import { describeHost } from "./system/index.ts";
import { findUser } from "./work/environment.ts";

/**
 * The agent: dials in to a Myelin deployment and does there what has to be done on a machine.
 * Exit codes: 0 told to stop, 2 bad usage, 3 the server does not take the token, 4 another program is connected by it.
 */
const { version } = JSON.parse(readFileSync(ownFile("package.json"), "utf8")) as {
  version: string;
};
const log = (text: string) => console.log(`${new Date().toISOString()} ${text}`);

function optionsOrExit() {
  try {
    const { user, ...options } = readOptions(process.argv.slice(2), process.env);
    ownFolder(options.directory, user !== undefined);
    return { ...options, user: user === undefined ? undefined : findUser(user) };
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

function whyItEnds(error: unknown): string {
  if (error instanceof Occupied) return `${error.message}; each program needs a token of its own`;
  return error instanceof Refused ? `the server refused the token: ${error.message}` : String(error);
}

const options = optionsOrExit();
// Everybody on the machine may read a command line: the token does not stay in it.
process.title = "node agent/main.ts";
let program: Program | undefined;
const told = new AbortController();

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    told.abort();
    void program?.stop();
  });
}

try {
  const host = await describeHost();
  let outcome = "restart";
  while (outcome === "restart" && !told.signal.aborted) {
    log(`agent ${version} dials in to ${options.url}`);
    program = new Program(options, version, host, log);
    outcome = await program.run();
  }
} catch (error) {
  process.exitCode = error instanceof Occupied ? 4 : 3;
  log(whyItEnds(error));
}
// Whatever still has a timer or a socket is of no use any more.
process.exit();

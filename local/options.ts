import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Refusal } from "./refusal.ts";

/** How `npm start` and `npm run dev` were asked to run. */
export interface StartOptions {
  port: number;
  dataDir: string;
  host: string;
  agent: boolean;
}

export const HELP = `Usage: npm start -- [options]

  --port <number>      Port to listen on, 0 for a free one      (MYELIN_PORT, PORT; 8787)
  --host <address>     Address to listen on                     (MYELIN_HOST; 127.0.0.1)
  --data-dir <folder>  Where database, files and secrets live   (MYELIN_DATA_DIR; .data)
  --no-agent           Do not run the local agent               (MYELIN_NO_AGENT=true)
  --help               Print this

DATABASE_URL replaces the embedded Postgres. A flag wins over its variable.`;

/** Reads flags, then variables, then defaults. Returns undefined when help was asked for. */
export function readOptions(args: string[], env: NodeJS.ProcessEnv): StartOptions | undefined {
  const flags = readFlags(args);
  if (flags.help) return undefined;
  return {
    port: toPort(flags.port ?? nonEmpty(env["MYELIN_PORT"]) ?? nonEmpty(env["PORT"]) ?? "8787"),
    dataDir: resolve(flags["data-dir"] ?? nonEmpty(env["MYELIN_DATA_DIR"]) ?? ".data"),
    host: flags.host ?? nonEmpty(env["MYELIN_HOST"]) ?? "127.0.0.1",
    agent: !(flags["no-agent"] ?? readFlag("MYELIN_NO_AGENT", env)),
  };
}

function readFlags(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        port: { type: "string" },
        "data-dir": { type: "string" },
        host: { type: "string" },
        "no-agent": { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
    return values;
  } catch (error) {
    throw new Refusal(`${(error as Error).message}\n\n${HELP}`);
  }
}

function toPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new Refusal(`${JSON.stringify(text)} is not a port. A port is a number from 0 to 65535.`);
}

const YES = new Set(["1", "true", "yes"]);
const NO = new Set(["0", "false", "no", ""]);

function readFlag(name: string, env: NodeJS.ProcessEnv): boolean {
  const value = env[name] ?? "";
  if (YES.has(value.toLowerCase())) return true;
  if (NO.has(value.toLowerCase())) return false;
  throw new Refusal(`${name} is ${JSON.stringify(value)}; write true or false.`);
}

const nonEmpty = (text: string | undefined) => (text === "" ? undefined : text);

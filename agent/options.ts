import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

export interface AgentOptions {
  url: string;
  token: string;
  /** Where jobs have their folders; kept over restarts, so that work is taken up again. */
  directory: string;
  /** Trainings at once. */
  concurrency: number;
  /** Whether people may have a shell here. */
  allowTerminal: boolean;
}

const USAGE =
  "usage: npm run agent -- --url https://… --token ic_… [--dir folder] [--concurrency 1] [--allow-terminal]";

/** Flags win over MYELIN_URL, MYELIN_IC_TOKEN, MYELIN_AGENT_DIR, MYELIN_AGENT_CONCURRENCY and MYELIN_AGENT_ALLOW_TERMINAL=true. */
export function readOptions(argv: string[], env: NodeJS.ProcessEnv): AgentOptions {
  const { values } = parseArgs({
    args: argv,
    options: {
      url: { type: "string" },
      token: { type: "string" },
      dir: { type: "string" },
      concurrency: { type: "string" },
      "allow-terminal": { type: "boolean" },
    },
  });
  const url = values.url ?? env["MYELIN_URL"];
  const token = values.token ?? env["MYELIN_IC_TOKEN"];
  if (!url || !token) throw new Error(USAGE);
  const concurrency = Number(values.concurrency ?? env["MYELIN_AGENT_CONCURRENCY"] ?? 1);
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new Error(`--concurrency must be 1 or more\n${USAGE}`);
  const directory = values.dir ?? env["MYELIN_AGENT_DIR"] ?? join(tmpdir(), "myelin-agent");
  const allowTerminal = values["allow-terminal"] ?? env["MYELIN_AGENT_ALLOW_TERMINAL"] === "true";
  return { url: url.replace(/\/+$/, ""), token, directory, concurrency, allowTerminal };
}

import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DEFAULT_LIMITS, type Limits } from "./work/limits.ts";

export interface AgentOptions {
  url: string;
  token: string;
  /** Where jobs have their folders; kept over restarts, so that work is taken up again. */
  directory: string;
  /** Runs at once. */
  concurrency: number;
  labels: string[];
  allowCommand: boolean;
  /** Whether people may have a shell here. */
  allowTerminal: boolean;
  /** Whom jobs run as; needs an agent that runs as root. */
  user: string | undefined;
  limits: Limits;
}

const USAGE = `usage: npm run agent -- --url https://… --token ic_… [--dir folder] [--concurrency 1] [--label gpu]…
  [--allow-command] [--allow-terminal] [--user name] [--max-seconds n] [--max-memory-mb n] [--max-processes n] [--max-output-mb n]
  [--max-disk-mb n]`;

const MB = 1024 * 1024;

/** Flags win over MYELIN_URL, MYELIN_IC_TOKEN, MYELIN_AGENT_DIR and so on, which are named after them. */
export function readOptions(argv: string[], env: NodeJS.ProcessEnv): AgentOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args: argv,
    options: {
      url: text,
      token: text,
      dir: text,
      concurrency: text,
      label: { type: "string", multiple: true },
      "allow-command": { type: "boolean" },
      "allow-terminal": { type: "boolean" },
      user: text,
      "max-seconds": text,
      "max-memory-mb": text,
      "max-processes": text,
      "max-output-mb": text,
      "max-disk-mb": text,
    },
  });
  const url = values.url ?? env["MYELIN_URL"];
  const token = values.token ?? env["MYELIN_IC_TOKEN"];
  if (!url || !token) throw new Error(USAGE);
  return {
    url: url.replace(/\/+$/, ""),
    token,
    directory: values.dir ?? env["MYELIN_AGENT_DIR"] ?? join(tmpdir(), "myelin-agent"),
    concurrency: whole("--concurrency", values.concurrency ?? env["MYELIN_AGENT_CONCURRENCY"]) ?? 1,
    labels: labelsOf(values.label ?? env["MYELIN_AGENT_LABELS"]?.split(",") ?? []),
    allowCommand: values["allow-command"] ?? isOn(env["MYELIN_AGENT_ALLOW_COMMAND"]),
    allowTerminal: values["allow-terminal"] ?? isOn(env["MYELIN_AGENT_ALLOW_TERMINAL"]),
    user: values.user ?? env["MYELIN_AGENT_USER"],
    limits: limitsOf({
      seconds: whole("--max-seconds", values["max-seconds"]),
      memory: whole("--max-memory-mb", values["max-memory-mb"]),
      processes: whole("--max-processes", values["max-processes"]),
      output: whole("--max-output-mb", values["max-output-mb"]),
      disk: whole("--max-disk-mb", values["max-disk-mb"]),
    }),
  };
}

const isOn = (text: string | undefined): boolean => text === "1" || text === "true";

function whole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new Error(`${name} must be 1 or more\n${USAGE}`);
}

function labelsOf(given: string[]): string[] {
  const labels = given.map((label) => label.trim()).filter(Boolean);
  const wrong = labels.find((label) => !/^[A-Za-z0-9][\w.:/-]{0,62}$/.test(label));
  if (wrong !== undefined) throw new Error(`--label ${wrong}: letters, digits and _.:/- only\n${USAGE}`);
  return [...new Set(labels)];
}

type Given = Record<"seconds" | "memory" | "processes" | "output" | "disk", number | undefined>;

const limitsOf = ({ seconds, memory, processes, output, disk }: Given): Limits => ({
  ...DEFAULT_LIMITS,
  ...(seconds && { wallSeconds: seconds }),
  ...(memory && { memoryBytes: memory * MB }),
  ...(processes && { processes }),
  ...(output && { outputBytes: output * MB }),
  ...(disk && { diskBytes: disk * MB }),
});

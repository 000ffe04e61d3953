import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { killTree, sendSignal } from "./process-tree.ts";
import type { LogFile } from "./log-file.ts";

/** Dies three times in a row: waits 1, 2 and 4 seconds. Ran for a while: starts again at once. */
const BACK_OFF_MS = { first: 1000, longest: 60_000, forgivenAfter: 60_000 };
const STOP_MS = 5000;

export interface AgentProcess {
  pid(): number | undefined;
  stop(): Promise<void>;
}

export interface AgentSettings {
  program: string;
  env: Record<string, string>;
  log: LogFile;
  onStart(pid: number): void;
  /** How long the agent may take to end by itself (default 5 s). */
  stopMs?: number;
}

/** Keeps one agent running until it is stopped. */
export function startAgent(settings: AgentSettings): AgentProcess {
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopping = false;
  let waitMs = BACK_OFF_MS.first;

  function run(): void {
    const started = Date.now();
    child = launch(settings);
    child.once("exit", (code, signal) => {
      child = undefined;
      if (stopping) return;
      if (code === 0)
        return settings.log.write("[agent] ended because it was told to; it is not started again");
      if (Date.now() - started > BACK_OFF_MS.forgivenAfter) waitMs = BACK_OFF_MS.first;
      settings.log.write(`[agent] ended (${signal ?? `exit code ${code}`}); next start in ${waitMs} ms`);
      timer = setTimeout(run, waitMs);
      waitMs = Math.min(waitMs * 2, BACK_OFF_MS.longest);
    });
  }

  run();
  return {
    pid: () => child?.pid,
    async stop() {
      stopping = true;
      clearTimeout(timer);
      if (child) await end(child, settings.stopMs ?? STOP_MS);
    },
  };
}

function launch({ program, env, log, onStart }: AgentSettings): ChildProcess {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  log.follow(child.stdout, "[agent]");
  log.follow(child.stderr, "[agent]");
  child.once("error", (error) => log.write(`[agent] could not start: ${error.message}`));
  if (child.pid !== undefined) onStart(child.pid);
  return child;
}

/** Asks once; what is still there after a while goes down with everything it started. */
async function end(child: ChildProcess, stopMs: number): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  const impatience = setTimeout(() => killTree((one) => one.pid === pid), stopMs);
  sendSignal(pid, "SIGTERM");
  await gone;
  clearTimeout(impatience);
}

import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { surviveClosedOutput } from "./closed-output.ts";
import { clearTree, findProcess, killTree } from "./process-tree.ts";

/** What the supervised program reports. */
export type Report<Ready> = { type: "ready"; ready: Ready } | { type: "failed"; reason: string };
/** What it is told. */
export type Order<Options> = { type: "start"; options: Options } | { type: "stop" };

export interface Supervision<Options, Ready> {
  /** Path of the program that does the work; it calls `serve` of supervised.ts. */
  program: string;
  options: Options;
  /** `stop` ends everything as a Ctrl-C does. */
  onReady(ready: Ready, stop: () => void): void;
}

/** npm passes a signal on that the terminal has sent already; both together are one Ctrl-C. */
const SAME_SIGNAL_MS = 500;
/** A stop that takes longer than this ends by force. */
const STOP_MS = 20_000;

/**
 * Runs the program as the head of its own process group and returns the exit code to end with. Whatever ends first, this
 * process, the program or npm above us, nothing of the group stays behind.
 */
export function supervise<Options, Ready>(task: Supervision<Options, Ready>): Promise<number> {
  surviveClosedOutput();
  let child: ChildProcess | undefined;
  // Before the fork: a signal must never find us with a child and without these.
  const stopper = createStopper(() => child);
  child = fork(task.program, [], { detached: true, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  let reason: string | undefined;
  child.on("message", (report: Report<Ready>) => {
    if (report.type === "failed") reason = report.reason;
    else {
      stopper.allowGently();
      task.onReady(report.ready, stopper.ask);
    }
  });
  child.send({ type: "start", options: task.options } satisfies Order<Options>);
  return finish(child, stopper, () => reason);
}

async function finish(
  child: ChildProcess,
  stopper: Stopper,
  reason: () => string | undefined,
): Promise<number> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  await clearTree((one) => one.group === child.pid);
  stopper.forget();
  if (stopper.asked()) return 0;
  console.error(
    reason() ?? `Myelin ended unexpectedly (${signal ?? `exit code ${code}`}). Everything was stopped.`,
  );
  return 1;
}

type Stopper = ReturnType<typeof createStopper>;

/** Turns signals and the death of npm into a stop: gently the first time, by force the second. */
function createStopper(child: () => ChildProcess | undefined) {
  let gently = false;
  let askedAt: number | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const force = () => void killTree((one) => one.group === child()?.pid);
  function ask(): void {
    if (askedAt !== undefined && Date.now() - askedAt < SAME_SIGNAL_MS) return;
    const first = askedAt === undefined;
    askedAt ??= Date.now();
    if (!first || !gently || !child()?.connected) return force();
    console.log("Stopping … (once more to stop at once)");
    child()?.send({ type: "stop" } satisfies Order<never>);
    deadline = setTimeout(force, STOP_MS);
  }
  for (const signal of SIGNALS) process.on(signal, ask);
  const orphanWatch = process.env["npm_lifecycle_event"]
    ? watchNpm(() => askedAt === undefined && ask())
    : undefined;
  return {
    ask,
    asked: () => askedAt !== undefined,
    /** Called once the program runs. Before that there is nothing that a kill could harm. */
    allowGently: () => void (gently = true),
    forget() {
      for (const signal of SIGNALS) process.off(signal, ask);
      clearInterval(orphanWatch);
      clearTimeout(deadline);
    },
  };
}

/** A kill -9 of npm tells nobody below it. What can be seen: our parent, or that of the shell between, is another one. */
function watchNpm(gone: () => void): NodeJS.Timeout {
  const lineage = () =>
    `${process.ppid} ${process.platform === "linux" && findProcess(process.ppid)?.parent}`;
  const before = lineage();
  return setInterval(() => {
    if (lineage() !== before) gone();
  }, 500);
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

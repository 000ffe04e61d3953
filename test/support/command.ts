import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { findTree } from "../../local/process-tree.ts";

/** Myelin as a user starts it: `npm start` without npm, in processes of its own. */
export class Command {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly output: string[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, "close");
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => this.output.push(line));
    }
  }

  static async start(program: string, args: string[], env: Record<string, string>): Promise<Command> {
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, npm_lifecycle_event: "", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const command = new Command(child);
    await command.#says("Stop it with Ctrl-C");
    return command;
  }

  async #says(text: string): Promise<void> {
    const ended = this.#exit.then(() => "ended" as const);
    for (;;) {
      if (this.output.some((line) => line.includes(text))) return;
      const waited = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))]);
      if (waited === "ended") throw new Error(`it ended, saying:\n${this.output.join("\n")}`);
    }
  }

  /** Ids of the processes below it whose command line contains `text`. */
  find(text: string): number[] {
    const below = findTree((one) => one.pid === this.#child.pid).map((one) => one.pid);
    return below.filter((pid) => commandLine(pid).includes(text));
  }

  /** kill -9 of the process the user started; resolves when everything below it is gone too. */
  async killHard(): Promise<void> {
    const tree = findTree((one) => one.pid === this.#child.pid).map((one) => one.pid);
    this.#child.kill("SIGKILL");
    await this.#exit;
    const deadline = Date.now() + 10_000;
    while (tree.some((pid) => commandLine(pid) !== "")) {
      if (Date.now() > deadline) throw new Error("processes were left behind");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGINT");
    await this.#exit;
  }
}

/** Empty for a process that is gone or only waits to be collected. */
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch (error) {
    if (
      (error as NodeJS.ErrnoException).code === "ENOENT" ||
      (error as NodeJS.ErrnoException).code === "ESRCH"
    )
      return "";
    throw error;
  }
}

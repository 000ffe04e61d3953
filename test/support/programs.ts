import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

/** Whether all of these programs are on this machine. */
export const isInstalled = (...programs: string[]): boolean =>
  programs.every((program) => spawnSync("which", [program]).status === 0);

/** A server of somebody else's that a test runs for itself. */
export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  #output = "";

  constructor(name: string, args: string[], env: Record<string, string> = {}) {
    this.#name = name;
    this.#child = spawn(name, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!])
      stream.on("data", (data) => (this.#output = (this.#output + String(data)).slice(-2000)));
  }

  /** Waits until `ask` no longer throws; throws with the program's last words when it ends before. */
  async serves(ask: () => Promise<unknown>, withinMs = 20_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      try {
        return void (await ask());
      } catch (error) {
        if (this.#hasEnded) throw new Error(`${this.#name} ended: ${this.#output}`, { cause: error });
        if (Date.now() > deadline)
          throw new Error(`${this.#name} does not serve: ${this.#output}`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (this.#hasEnded) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { User } from "./client.ts";

/** An agent of a user's own, as a program beside the platform; runs reach it by a label nobody else has. */
export class AgentProgram {
  readonly label = `only-${randomUUID()}`;
  readonly directory = mkdtempSync(join(tmpdir(), "myelin-agent-"));
  readonly token: string;
  readonly #url: string;
  readonly #flags: string[];
  readonly #path: string | undefined;
  #child: ChildProcess;
  #output = "";

  private constructor(url: string, token: string, flags: string[], path: string | undefined) {
    [this.#url, this.token, this.#flags, this.#path] = [url, token, flags, path];
    this.#child = this.#launch();
  }

  /** `url` is where it dials in, where that is not where the user does; `path` where it finds programs. */
  static async of(
    user: User,
    flags: string[] = ["--allow-command"],
    url = user.url,
    path = process.env["PATH"],
  ): Promise<AgentProgram> {
    const { status, body } = await user.post("/api/agents", { name: `program-${randomUUID()}` });
    if (status !== 201) throw new Error(`agent: ${status} ${JSON.stringify(body)}`);
    return new AgentProgram(url, body.token, flags, path);
  }

  /** What the program said. */
  get output(): string {
    return this.#output;
  }

  #launch(): ChildProcess {
    const args = [
      "--url",
      this.#url,
      "--token",
      this.token,
      "--dir",
      this.directory,
      "--label",
      this.label,
      ...this.#flags,
    ];
    const child = spawn(process.execPath, ["agent/main.ts", ...args], {
      env: {
        PATH: this.#path,
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
        AWS_SECRET_ACCESS_KEY: "of-the-agent",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout!, child.stderr!])
      stream.on("data", (data) => (this.#output += String(data)));
    return child;
  }

  /** kill -9, and the next life of the same agent. */
  async restartHard(): Promise<void> {
    await this.#end("SIGKILL");
    this.#child = this.#launch();
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill(signal);
    await gone;
  }
}

/** A script that logs `steps` points on descriptor 3 by nothing but Python's own library. */
export const pythonTraining = (steps: number, secondsPerStep: number, before = ""): string => `
import json, os, time
${before}
metrics = os.fdopen(int(os.environ["MYELIN_METRICS_FD"]), "w", buffering=1)
print("pid", os.getpid(), flush=True)
weight = 0.0
for step in range(${steps}):
    gradient = 2 * (weight - 3.0)
    weight -= 0.01 * gradient
    metrics.write(json.dumps({"step": step, "epoch": step // 100, "loss": (weight - 3.0) ** 2, "weight": weight}) + "\\n")
    time.sleep(${secondsPerStep})
print(json.dumps({"level": "warning", "message": "trained"}), flush=True)
`;

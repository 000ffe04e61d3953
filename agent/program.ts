import { randomUUID } from "node:crypto";
import type { Host, Work } from "../src/kernel/agent-protocol.ts";
import { Agent } from "./agent.ts";
import { Api } from "./api.ts";
import type { CommandHandler } from "./link/commands.ts";
import { Link } from "./link/link.ts";
import { type SystemWatch, watchSystem } from "./system/index.ts";
import { hasPython, NotebookKernels } from "./kernel/kernels.ts";
import { loadPty, shellTrouble, Terminals } from "./terminal/terminals.ts";
import type { JobUser } from "./work/environment.ts";
import { canCount } from "./work/limits.ts";
import type { AgentOptions } from "./options.ts";

/** What an agent is started with, its user looked up. */
export type ProgramOptions = Omit<AgentOptions, "user"> & { user: JobUser | undefined };

const shellOf = (terminals: Terminals | { reason: string }): Pick<Host, "shell" | "no_shell"> =>
  terminals instanceof Terminals ? { shell: terminals.shell } : { no_shell: terminals.reason };

export type Outcome = "stopped" | "restart";

/** One life of the agent: its link, and the work that comes by it and by leases. */
export class Program {
  readonly #agent: Agent;
  readonly #link: Link;
  readonly #terminals: Terminals | undefined = undefined;
  readonly #kernels: NotebookKernels | undefined;
  readonly #system: SystemWatch;
  readonly #log: (text: string) => void;
  #finish!: (outcome: Outcome) => void;
  readonly #finished = new Promise<Outcome>((resolve) => (this.#finish = resolve));

  constructor(options: ProgramOptions, version: string, host: Host, log: (text: string) => void) {
    const { token, ...rest } = options;
    const { url, labels, directory } = options;
    const instance = randomUUID();
    this.#log = (text) => {
      log(text);
      this.#link.log("info", text);
    };
    const terminals = options.allowTerminal ? this.#openTerminals(options.user) : undefined;
    if (terminals instanceof Terminals) this.#terminals = terminals;
    else if (terminals) log(terminals.reason);
    this.#kernels = options.allowCommand && hasPython() ? this.#openKernels(options) : undefined;
    const capabilities = [
      "train",
      ...(this.#kernels ? ["notebook:python"] : []),
      ...(options.allowCommand ? ["command"] : []),
      ...(canCount ? ["work-limits"] : []),
      ...(this.#terminals ? ["terminal"] : []),
    ];
    this.#agent = new Agent({
      ...{ ...rest, version, capabilities, instance },
      api: new Api(url, token),
      mayWork: () => this.#link.mayWork,
      log: (text) => this.#log(text),
    });
    this.#system = watchSystem(directory, (text) => this.#log(text));
    this.#link = new Link({
      ...{ url, token, instance, version, capabilities, labels, log },
      host: { ...host, ...(terminals && shellOf(terminals)) },
      work: () => this.#work(),
      isDraining: () => this.#agent.isDraining,
      sample: () => this.#system.sampler.latest(),
      commands: { ...this.#commands(), ...this.#terminals?.commands, ...this.#kernels?.commands },
      bytes: (frame) => this.#terminals?.take(frame),
      connected: () => this.#connected(),
    });
  }

  /** Lives until it is told to end, one way or the other; throws when the server refuses the token or has another program under it. */
  async run(): Promise<Outcome> {
    this.#system.sampler.start();
    try {
      return await Promise.race([this.#finished, this.#serve()]);
    } finally {
      this.#system.sampler.stop();
      await Promise.all([this.#agent.stop(), this.#terminals?.close(), this.#kernels?.close()]);
    }
  }

  /** Ends at once; runs it holds are taken up again by whoever comes next under the same name. */
  async stop(): Promise<void> {
    await this.#link.stop("stopped", "Its process was told to end.");
    this.#finish("stopped");
  }

  async #serve(): Promise<Outcome> {
    await Promise.all([this.#agent.run(), this.#link.run()]);
    return this.#finished;
  }

  #connected(): void {
    // Only now is it certain that no other program works in the same folder.
    this.#kernels?.clearOld();
    this.#terminals?.repeat();
  }

  #work(): Work[] {
    const parts = [this.#agent, this.#system, this.#terminals, this.#kernels];
    return parts.flatMap((part) => part?.work() ?? []);
  }

  #openKernels({ directory, user, limits }: ProgramOptions): NotebookKernels {
    return new NotebookKernels({
      ...{ directory, user, limits },
      isDraining: () => this.#agent.isDraining,
      log: (text) => this.#log(text),
    });
  }

  #openTerminals(user: JobUser | undefined): Terminals | { reason: string } {
    const trouble = shellTrouble(user);
    const loaded = trouble === null ? loadPty() : { reason: trouble };
    if ("reason" in loaded) return loaded;
    return new Terminals(loaded.pty, user, {
      send: (frame) => this.#link.send(frame),
      ended: (terminal, end) => void this.#link.emit(`terminal:${terminal}`, end),
      log: (text) => this.#log(text),
    });
  }

  #commands(): Record<string, CommandHandler> {
    return {
      ...this.#system.commands,
      "agent.stop": async () => {
        if (this.#agent.isDraining) return null;
        // Shells end at once: who sits at one could go on for hours.
        const drained = Promise.all([this.#agent.drain(), this.#terminals?.close("drained")]);
        this.#log("draining");
        this.#link.beat();
        // Once the answer is on its way: with nothing to do it hangs up at once.
        setImmediate(() => void drained.then(() => this.#leave()));
        return null;
      },
      "agent.restart": async () => {
        setImmediate(() => void this.#restart());
        return null;
      },
    };
  }

  async #leave(): Promise<void> {
    await this.#link.stop("stopped", "It was told to stop and has finished its work.");
    this.#finish("stopped");
  }

  async #restart(): Promise<void> {
    this.#log("restarting");
    await this.#link.hangUp();
    this.#finish("restart");
  }
}

import type { CommandReply, LinkRefusal, ToAgent } from "../../kernel/agent-protocol.ts";
import type { LinkCommand } from "../../kernel/ports/agent-links.ts";

/** A command on its way: `reply` is what came of it. */
export interface StoredCommand {
  id: string;
  name: string;
  args: unknown;
  expiresAt: number;
  reply: CommandReply | null;
}

/** Where commands are kept. */
export interface CommandStore {
  command(id: string): StoredCommand | undefined;
  addCommand(command: Omit<StoredCommand, "reply">): void;
  /** Keeps what came of a command, for whoever asks again; tells whether it was still waited for. */
  settle(id: string, reply: CommandReply, now: number): boolean;
  /** What the agent has not answered yet, in the order of asking. */
  openCommands(now: number): StoredCommand[];
}

export const refusal = (code: LinkRefusal, message: string): CommandReply => ({ ok: false, code, message });
const OFFLINE = refusal("AGENT_OFFLINE", "The agent is not connected.");
const TIMEOUT = refusal("AGENT_TIMEOUT", "The agent did not answer in time.");

/** What such an id is of outlives its caller's patience, and the agent's absence. */
const KEPT = "kept:";

export interface CommandHost {
  now(): number;
  isConnected(): boolean;
  say(message: ToAgent): void;
}

const toMessage = ({ id, name, args }: StoredCommand): ToAgent => ({ type: "command", id, name, args });

const newId = (keepMs: number): string => `${keepMs > 0 ? KEPT : ""}${crypto.randomUUID()}`;

/** Commands on their way to the agent and the callers who wait for what comes of them. */
export class LinkCommands {
  readonly #store: CommandStore;
  readonly #host: CommandHost;
  readonly #listening = new Map<string, (data: unknown) => unknown>();
  readonly #waiting = new Map<string, Set<(reply: CommandReply) => void>>();

  constructor(store: CommandStore, host: CommandHost) {
    this.#store = store;
    this.#host = host;
  }

  ask(
    { name, args, timeoutMs, keepMs = 0, id = newId(keepMs) }: LinkCommand,
    onEvent?: (data: unknown) => unknown,
  ): Promise<CommandReply> {
    const known = this.#store.command(id);
    if (known?.reply) return Promise.resolve(known.reply);
    const isConnected = this.#host.isConnected();
    if (!known && (isConnected || keepMs > 0)) {
      const expiresAt = this.#host.now() + Math.max(timeoutMs, keepMs);
      const command = { id, name, args, expiresAt, reply: null };
      this.#store.addCommand(command);
      this.#host.say(toMessage(command));
    }
    if (!isConnected) return Promise.resolve(OFFLINE);
    if (onEvent) this.#listening.set(id, onEvent);
    return this.#settled(id, timeoutMs).finally(() => this.#listening.delete(id));
  }

  /** Passes on what the agent says while it does something; to nobody when nobody waits any more. */
  async hear(id: string, data: unknown): Promise<void> {
    await this.#listening.get(id)?.(data);
  }

  /** Says again what the agent has not answered: it may never have heard it. */
  repeat(): void {
    for (const command of this.#store.openCommands(this.#host.now())) this.#host.say(toMessage(command));
  }

  take(id: string, reply: CommandReply): void {
    this.#store.settle(id, reply, this.#host.now());
    this.#release(id, reply);
    this.#host.say({ type: "result-ack", id });
  }

  /** Nothing was heard of the program at the other end for long; if it comes back, it is told what is kept for it. */
  lose(why: string): void {
    this.#drop(why, ({ id }) => !id.startsWith(KEPT));
  }

  /** The program at the other end is gone, and with it what it was doing. */
  abandon(why: string): void {
    this.#drop(why, () => true);
  }

  #drop(why: string, picked: (command: StoredCommand) => boolean): void {
    const gone = refusal("AGENT_GONE", why);
    for (const { id } of this.#store.openCommands(this.#host.now()).filter(picked)) {
      this.#store.settle(id, gone, this.#host.now());
      this.#release(id, gone);
    }
  }

  #settled(id: string, timeoutMs: number): Promise<CommandReply> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#giveUp(id), timeoutMs);
      const callers = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(
        id,
        callers.add((reply) => {
          clearTimeout(timer);
          resolve(reply);
        }),
      );
    });
  }

  #giveUp(id: string): void {
    if (id.startsWith(KEPT)) return this.#release(id, TIMEOUT);
    this.#store.settle(id, TIMEOUT, this.#host.now());
    this.#release(id, TIMEOUT);
    this.#host.say({ type: "cancel", id });
  }

  #release(id: string, reply: CommandReply): void {
    for (const resolve of this.#waiting.get(id) ?? []) resolve(reply);
    this.#waiting.delete(id);
  }
}

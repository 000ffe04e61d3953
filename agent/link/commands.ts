import type { CommandReply } from "../../src/kernel/agent-protocol.ts";

/** Says something of a command while it is being done. */
export type Emit = (data: unknown) => Promise<void>;

/** Does what a command says; `signal` aborts when nobody waits for it any more. */
export type CommandHandler = (args: unknown, signal: AbortSignal, emit: Emit) => Promise<unknown>;

export interface CommandHost {
  answer(id: string, reply: CommandReply): void;
  /** The reply, or a refusal in the place of one that cannot be sent. */
  fit(reply: CommandReply): CommandReply;
  emit(id: string, data: unknown): Promise<void>;
}

/** A refusal the caller is told, with a code of the command's own. */
export class CommandRefused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "CommandRefused";
    this.code = code;
  }
}

interface Running {
  cancel: AbortController;
}

/** Commands come at least once; each is done once, and its answer kept until the other side has it. */
export class CommandRunner {
  readonly #handlers: Record<string, CommandHandler>;
  readonly #host: CommandHost;
  readonly #running = new Map<string, Running>();
  readonly #replies = new Map<string, CommandReply>();

  constructor(handlers: Record<string, CommandHandler>, host: CommandHost) {
    this.#handlers = handlers;
    this.#host = host;
  }

  take(id: string, name: string, args: unknown): void {
    const reply = this.#replies.get(id);
    if (reply) return this.#host.answer(id, reply);
    if (this.#running.has(id)) return;
    const cancel = new AbortController();
    this.#running.set(id, { cancel });
    const emit = (data: unknown) => this.#host.emit(id, data);
    void this.#run(name, args, cancel.signal, emit).then((reply) => {
      const answer = this.#host.fit(reply);
      this.#running.delete(id);
      this.#replies.set(id, answer);
      this.#host.answer(id, answer);
    });
  }

  cancel(id: string): void {
    this.#running.get(id)?.cancel.abort();
  }

  /** The other side has the answer. */
  settle(id: string): void {
    this.#replies.delete(id);
  }

  /** Answers of which it is not known whether they arrived. */
  unsettled(): Iterable<[id: string, reply: CommandReply]> {
    return this.#replies;
  }

  async #run(name: string, args: unknown, signal: AbortSignal, emit: Emit): Promise<CommandReply> {
    const handler = Object.hasOwn(this.#handlers, name) ? this.#handlers[name] : undefined;
    if (!handler) return { ok: false, code: "COMMAND_UNKNOWN", message: `This agent does not know ${name}.` };
    try {
      return { ok: true, value: (await handler(args, signal, emit)) ?? null };
    } catch (error) {
      const code = error instanceof CommandRefused ? error.code : "COMMAND_FAILED";
      return {
        ok: false,
        code,
        message: (error instanceof Error ? error.message : String(error)).slice(0, 4000),
      };
    }
  }
}

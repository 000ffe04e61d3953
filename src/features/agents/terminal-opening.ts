import type { CommandReply } from "../../kernel/agent-protocol.ts";
import type { TerminalTicket } from "../../kernel/ports/agent-links.ts";
import type { TerminalRecorder } from "./terminal-recorder.ts";
import * as refusals from "./terminal-refusals.ts";
import { type Answer, FAULT, type Opened, openedOf } from "./terminal-replies.ts";
import type { TerminalRecord, TerminalStore } from "./terminal-store.ts";

export interface OpeningHost {
  ask(name: string, terminal: string, args: object): Promise<CommandReply>;
  /** Tells reviewers that a recording begins; throws where none can be. */
  announce(ticket: TerminalTicket, startedAt: number): Promise<void>;
  /** Takes that back. */
  retract(terminal: string): Promise<void>;
  /** From here on until it is settled nobody ends it. */
  begun(terminal: string): void;
  settled(terminal: string): void;
  opened(terminal: string, channel: number): void;
  close(terminal: string): void;
  background(work: Promise<unknown>): void;
}

/** What happens before anybody sees a terminal: it is recorded, if it has to be, and its shell is started. */
export class TerminalOpening {
  readonly #store: TerminalStore;
  readonly #recorder: TerminalRecorder;
  readonly #host: OpeningHost;

  constructor(store: TerminalStore, recorder: TerminalRecorder, host: OpeningHost) {
    this.#store = store;
    this.#recorder = recorder;
    this.#host = host;
  }

  /** The refusal, if there is one. */
  async prepare(ticket: TerminalTicket): Promise<CommandReply | undefined> {
    const startedAt = Date.now();
    const isRecorded = ticket.recording !== null && !this.#recorder.isRunning(ticket.terminal);
    try {
      if (isRecorded) await this.#host.announce(ticket, startedAt);
    } catch {
      return refusals.UNRECORDABLE;
    }
    if (isRecorded) this.#record(ticket, startedAt);
    return ticket.isNew ? this.#start(ticket, startedAt) : undefined;
  }

  #record({ terminal, recording, rows, columns, userName, agentName }: TerminalTicket, startedAt: number) {
    const title = `${userName} on ${agentName}`;
    const channel = this.#store.terminal(terminal)?.channel ?? 0;
    const { maxBytes } = recording!;
    this.#recorder.begin(terminal, channel, { startedAt, columns, rows, title, maxBytes });
  }

  async #start(ticket: TerminalTicket, openedAt: number): Promise<CommandReply | undefined> {
    const { terminal, userId, userName, ip, watcher } = ticket;
    // Written down first: a shell nobody knows of must not be. Nor one that nobody has, should this go wrong halfway.
    const owner = { id: terminal, userId, userName, ip, watcher };
    const record = { ...owner, openedAt, channel: 0, isDoomed: true };
    this.#host.begun(terminal);
    this.#store.addTerminal(record);
    const { rows, columns, idleSeconds, maxSeconds } = ticket;
    const limits = { rows, columns, idle_seconds: idleSeconds, max_seconds: maxSeconds };
    const reply = openedOf(await this.#host.ask("terminal.open", terminal, limits));
    this.#host.settled(terminal);
    return this.#settle(record, reply);
  }

  #settle(record: TerminalRecord, reply: Answer<Opened>): CommandReply | undefined {
    const isTaken =
      reply.ok && this.#store.terminals().some(({ channel }) => channel === reply.value.channel);
    if (!reply.ok || isTaken) return this.#undo(record.id, reply.ok ? refusals.MADE_UP : reply);
    const { channel } = reply.value;
    this.#store.addTerminal({ ...record, channel, isDoomed: false });
    this.#recorder.channelIs(record.id, channel);
    this.#host.opened(record.id, channel);
    return undefined;
  }

  #undo<T extends { code: string }>(terminal: string, refusal: T): T {
    if (this.#recorder.isRunning(terminal)) {
      this.#recorder.forget(terminal);
      this.#host.background(this.#host.retract(terminal));
    }
    // A shell may be there all the same, unless the agent itself says that there is none.
    if (refusal.code === FAULT || refusal.code === "AGENT_TIMEOUT") this.#host.close(terminal);
    else this.#store.removeTerminal(terminal);
    return refusal;
  }
}

import type { CommandReply, Work } from "../../kernel/agent-protocol.ts";
import type { LinkCommand, OpenTerminal, TerminalTicket } from "../../kernel/ports/agent-links.ts";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { decodeFrame, encodeFrame, FrameKind, type TerminalFrame } from "../../kernel/terminal-frames.ts";
import { CONTROL_PROTOCOL, readControl, RESIZE } from "./terminal-control.ts";
import { TerminalInput } from "./terminal-input.ts";
import { TerminalOpening } from "./terminal-opening.ts";
import type { TerminalRecorder } from "./terminal-recorder.ts";
import * as refusals from "./terminal-refusals.ts";
import { attachedOf } from "./terminal-replies.ts";
import { EndCode, isOpen, seatOf, show, sit, tell, type TerminalSeat } from "./terminal-seats.ts";
import type { EndedTerminal, TerminalEnd, TerminalRecord, TerminalStore } from "./terminal-store.ts";

export interface TerminalHost {
  /** The sockets of those who look. */
  sockets(): WebSocket[];
  accept(socket: WebSocket): void;
  ask(command: LinkCommand): Promise<CommandReply>;
  toAgent(frame: Uint8Array): void;
  /** Tells reviewers that a recording begins; a terminal that cannot be recorded is not opened. */
  announce(ticket: TerminalTicket, startedAt: number): Promise<void>;
  /** Takes that back. */
  retract(terminal: string): Promise<void>;
  /** Says that a terminal has ended, to the audit trail. */
  ended(record: TerminalRecord, end: TerminalEnd): void;
  /** Lets work outlive the event; a failure is logged. */
  background(work: Promise<unknown>): void;
  /** Of those sign-ins the ones that may still have a terminal. */
  stillMay(watchers: Watcher[]): Promise<Watcher[]>;
}

const ANSWER_MS = 10_000;
// Whoever lost the right to a terminal types no longer than this.
const CHECK_EVERY_MS = 5_000;
const MAX_INPUT_BYTES = 64_000;
const RECORDED = "This terminal is recorded.\r\n";

/** Carries the terminals of one agent: the bytes between it and those who look, who may come and go. */
export class TerminalRelay {
  readonly #store: TerminalStore;
  readonly #recorder: TerminalRecorder;
  readonly #host: TerminalHost;
  readonly #input: TerminalInput;
  readonly #encoder = new TextEncoder();
  readonly #opening: TerminalOpening;
  readonly #closing = new Set<string>();
  #checkedAt = 0;

  constructor(store: TerminalStore, recorder: TerminalRecorder, host: TerminalHost) {
    this.#store = store;
    this.#recorder = recorder;
    this.#host = host;
    this.#input = new TerminalInput((frame) => host.toAgent(frame));
    this.#opening = new TerminalOpening(store, recorder, {
      ...host,
      ask: (name, terminal, args) => this.#ask(name, terminal, args),
      begun: (terminal) => void this.#closing.add(terminal),
      opened: (terminal, channel) => this.#input.know(terminal, channel, 0),
      settled: (terminal) => void this.#closing.delete(terminal),
      close: (terminal) => host.background(this.close(terminal)),
    });
    // The object may have died between the one and the other.
    for (const id of recorder.running()) if (!store.terminal(id)) recorder.end(id, "lost");
  }

  /** Opens a terminal, or one that is open already to somebody else's eyes, and takes over their socket. */
  async open(ticket: TerminalTicket, protocols: string[]): Promise<Response> {
    // Between the ticket and its use they may have signed out, or lost the right.
    const [good] = await this.#host.stillMay([ticket.watcher]);
    if (good === undefined) return refusals.response(refusals.SIGNED_OUT);
    const record = this.#store.terminal(ticket.terminal);
    if (!ticket.isNew && (!record || record.isDoomed)) return refusals.response(refusals.GONE);
    const refusal = await this.#opening.prepare(ticket);
    return refusal ? refusals.response(refusal) : this.#welcome(ticket, protocols);
  }

  list(): OpenTerminal[] {
    const open = this.#store.terminals().filter(({ isDoomed }) => !isDoomed);
    return open.map(({ id, userId, openedAt }) => ({
      ...{ id, userId, openedAt },
      attached: this.#looking(id).length > 0,
    }));
  }

  /** Takes what somebody typed. */
  hear(socket: WebSocket, frame: string | ArrayBuffer): void {
    if (Date.now() - this.#checkedAt > CHECK_EVERY_MS) this.#host.background(this.check());
    const seat = seatOf(socket);
    const size = typeof frame === "string" ? frame.length : frame.byteLength;
    if (size > MAX_INPUT_BYTES) return socket.close(EndCode.protocol, "too much at once");
    if (typeof frame === "string" && seat.isFramed) return this.#control(socket, seat, frame);
    const resize = typeof frame === "string" ? RESIZE.exec(frame) : null;
    if (resize) return this.#resize(seat.terminal, Number(resize[2]), Number(resize[1]));
    const bytes = typeof frame === "string" ? this.#encoder.encode(frame) : new Uint8Array(frame);
    if (!this.#input.type(seat.terminal, seat.channel, seat.typed, bytes))
      return socket.close(EndCode.protocol, "more than can wait for the agent");
    sit(socket, { ...seat, typed: this.#input.place(seat.terminal) });
  }

  /** Somebody has gone; the terminal stays open for a while. */
  left(socket: WebSocket): void {
    const { terminal } = seatOf(socket);
    if (this.#looking(terminal).length === 0 && this.#store.terminal(terminal)) this.#detach(terminal);
  }

  /** Takes what an agent says of its terminals in bytes. */
  pass(data: ArrayBuffer): boolean {
    const frame = decodeFrame(new Uint8Array(data));
    if (frame?.kind === FrameKind.credit) this.#input.took(frame.channel, frame.offset);
    else if (frame?.kind === FrameKind.output) this.#say(frame);
    else return false;
    return true;
  }

  /** The agent says that a terminal has ended. */
  ended(terminal: string, { tail, ...end }: EndedTerminal): void {
    const record = this.#store.terminal(terminal);
    if (!record) return;
    const { channel } = record;
    if (tail) this.#say({ channel, offset: tail.offset, bytes: Uint8Array.fromBase64(tail.text) });
    this.#store.removeTerminal(terminal);
    this.#input.forget(terminal);
    this.#recorder.end(terminal, end.reason);
    this.#host.ended(record, end);
    const code = end.reason === "idle" ? EndCode.idle : end.reason === "lost" ? EndCode.lost : EndCode.exit;
    const why = end.reason === "lost" ? "the agent is gone" : end.reason;
    for (const socket of this.#looking(terminal)) {
      tell(socket, { type: "exit", ...end });
      socket.close(code, end.exit_code === null ? why : `exit ${end.exit_code}`);
    }
  }

  /** The agent was started anew or is gone: its terminals are, too. */
  lost(): void {
    for (const { id } of this.#store.terminals()) this.#lose(id);
  }

  /** The agent is there (again): what it may not have heard is said again. */
  resume(): void {
    this.#input.repeat();
    for (const { id } of this.#store.terminals()) if (this.#looking(id).length === 0) this.#detach(id);
  }

  /** Ends the terminals of those who may not have one any more, whether they look at them or not. */
  async check(): Promise<void> {
    this.#checkedAt = Date.now();
    const records = this.#store.terminals().filter(({ isDoomed }) => !isDoomed);
    if (records.length === 0) return;
    const good = new Set(await this.#host.stillMay([...new Set(records.map(({ watcher }) => watcher))]));
    for (const { id, watcher } of records) {
      if (good.has(watcher)) continue;
      for (const socket of this.#looking(id)) socket.close(EndCode.revoked, "signed out");
      this.#host.background(this.close(id));
    }
  }

  /** Ends shells that nobody is to have: they were given up for lost, or told to end and did not hear it. */
  reap(work: Work[]): void {
    for (const { kind, id } of work)
      if (kind === "terminal" && (this.#store.terminal(id)?.isDoomed ?? true))
        this.#host.background(this.close(id));
    for (const { id, isDoomed } of this.#store.terminals())
      if (isDoomed && !work.some((one) => one.id === id)) this.#host.background(this.close(id));
  }

  /** Ends a terminal: now, or when the agent is there to be told. */
  async close(terminal: string): Promise<CommandReply> {
    const record = this.#store.terminal(terminal);
    if (record && !record.isDoomed) this.#store.addTerminal({ ...record, isDoomed: true });
    if (this.#closing.has(terminal)) return { ok: true, value: null };
    this.#closing.add(terminal);
    const reply = await this.#ask("terminal.close", terminal).finally(() => this.#closing.delete(terminal));
    if (!reply.ok && reply.code === refusals.GONE.code) this.#lose(terminal);
    return record ? { ok: true, value: null } : reply;
  }

  /** Tells the agent that everything before `offset` has arrived. */
  credit(channel: number, offset: number): void {
    const bytes = new Uint8Array();
    this.#host.toAgent(encodeFrame({ kind: FrameKind.credit, channel, offset, bytes }));
  }

  /** A terminal has said as much as is recorded of one. */
  truncated(terminal: string): void {
    for (const socket of this.#looking(terminal)) tell(socket, { type: "recording", truncated: true });
  }

  /** A terminal that has to be recorded and cannot be does not go on. */
  unrecorded(terminal: string): void {
    for (const socket of this.#looking(terminal)) socket.close(EndCode.unrecorded, "it cannot be recorded");
    this.#host.background(this.close(terminal));
  }

  #welcome({ terminal, watcher, columns, rows }: TerminalTicket, protocols: string[]): Response {
    const record = this.#store.terminal(terminal);
    if (!record) return refusals.response(refusals.GONE);
    const { 0: client, 1: server } = new WebSocketPair();
    const isFramed = protocols.includes(CONTROL_PROTOCOL);
    const { channel } = record;
    const others = this.#looking(terminal);
    const typed = this.#input.place(terminal) ?? (others[0] ? seatOf(others[0]).typed : null);
    for (const other of others) other.close(EndCode.replaced, "looked at elsewhere");
    this.#store.addTerminal({ ...record, watcher });
    this.#host.accept(server);
    sit(server, { terminal, watcher, channel, offset: null, shown: 0, typed, rest: [], isFramed });
    this.#host.background(this.#attach(server, columns, rows));
    const headers: Record<string, string> = isFramed ? { "sec-websocket-protocol": CONTROL_PROTOCOL } : {};
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  async #attach(socket: WebSocket, columns: number, rows: number): Promise<void> {
    const { terminal, channel } = seatOf(socket);
    const reply = attachedOf(await this.#ask("terminal.attach", terminal));
    if (!reply.ok) {
      if (!isOpen(socket)) return;
      if (!seatOf(socket).isFramed) socket.send(`${reply.message}\r\n`);
      return socket.close(EndCode.lost, reply.code);
    }
    const { offset, text, typed } = reply.value;
    const bytes = Uint8Array.fromBase64(text);
    const end = offset + bytes.length;
    this.#recorder.say(channel, offset, bytes);
    this.#input.know(terminal, channel, typed);
    if (!isOpen(socket)) return this.#credit(channel, end);
    const recording = this.#recorder.isRunning(terminal);
    sit(socket, { ...seatOf(socket), offset: end, shown: end, typed: this.#input.place(terminal) });
    const hello = { type: "hello", terminal, offset, recording };
    tell(socket, hello, recording ? RECORDED : undefined);
    if (bytes.length > 0) show(socket, bytes, end);
    this.#credit(channel, end);
    this.#resize(terminal, columns, rows);
  }

  #say({ channel, offset, bytes }: Omit<TerminalFrame, "kind">): void {
    this.#recorder.say(channel, offset, bytes);
    const socket = this.#host.sockets().find((one) => isOpen(one) && seatOf(one).channel === channel);
    const end = offset + bytes.length;
    if (!socket) return this.#credit(channel, end);
    const seat = seatOf(socket);
    // What comes before the agent has answered is in its answer.
    const known = seat.offset === null ? Infinity : Math.max(0, seat.offset - offset);
    if (known < bytes.length) show(socket, bytes.subarray(known), end);
    // Whoever speaks our protocol says what they have seen, if the agent has not heard that; of others it is not known.
    if (!seat.isFramed) this.#credit(channel, end);
    else if (seat.shown > offset) this.#credit(channel, seat.shown);
  }

  #control(socket: WebSocket, seat: TerminalSeat, frame: string): void {
    const said = readControl(frame);
    if (!said) return socket.close(EndCode.protocol, "not what a terminal's page says");
    if (said.type === "resize") return this.#resize(seat.terminal, said.columns, said.rows);
    if (said.type === "close") return this.#host.background(this.close(seat.terminal));
    // Nobody has seen what was not shown yet.
    const shown = Math.max(seat.shown, Math.min(said.offset, seat.offset ?? 0));
    sit(socket, { ...seat, shown });
    this.#credit(seat.channel, shown);
  }

  #resize(terminal: string, columns: number, rows: number): void {
    const size = { columns: within(columns), rows: within(rows) };
    this.#recorder.resize(terminal, size.columns, size.rows);
    this.#host.background(this.#ask("terminal.resize", terminal, size));
  }

  #detach(terminal: string): void {
    this.#host.background(this.#ask("terminal.detach", terminal));
  }

  #ask(name: string, terminal: string, args: object = {}): Promise<CommandReply> {
    return this.#host.ask({ name, args: { session: terminal, ...args }, timeoutMs: ANSWER_MS });
  }

  /** What is recorded is forgotten by the agent only when it is written down. */
  #credit(channel: number, offset: number): void {
    const kept = this.#recorder.credit(channel, offset);
    if (kept > 0) this.credit(channel, kept);
  }

  #lose(terminal: string): void {
    this.ended(terminal, { exit_code: null, signal: null, reason: "lost", bytes_in: null, bytes_out: null });
  }

  #looking(terminal: string): WebSocket[] {
    return this.#host.sockets().filter((socket) => isOpen(socket) && seatOf(socket).terminal === terminal);
  }
}

/** What a window can have. */
const within = (size: number): number => Math.min(Math.max(Math.floor(size) || 1, 1), 1000);

import type { CommandReply, Work } from "../../kernel/agent-protocol.ts";
import type { LinkCommand, OpenTerminal, TerminalTicket } from "../../kernel/ports/agent-links.ts";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { decodeFrame, encodeFrame, FrameKind, type TerminalFrame } from "../../kernel/terminal-frames.ts";
import { CONTROL_PROTOCOL, readControl, RESIZE } from "./terminal-control.ts";
import type { TerminalEnd, TerminalRecord, TerminalStore } from "./terminal-store.ts";

/** What the socket of somebody who looks at a terminal remembers while the object sleeps. */
export interface TerminalSeat {
  terminal: string;
  /** The sign-in it is looked at by. */
  watcher: Watcher;
  channel: number;
  /** Place of the next byte to pass on; none until all that was said before has been shown. */
  offset: number | null;
  /** Speaks `myelin.terminal`: bytes in binary frames, everything else in JSON. */
  isFramed: boolean;
}

export interface TerminalHost {
  /** The sockets of those who look. */
  sockets(): WebSocket[];
  accept(socket: WebSocket): void;
  ask(command: LinkCommand): Promise<CommandReply>;
  toAgent(frame: Uint8Array): void;
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
const EndCode = {
  exit: 1000,
  revoked: 4001,
  protocol: 4002,
  idle: 4008,
  replaced: 4010,
  lost: 1011,
} as const;

const GONE: CommandReply = {
  ok: false,
  code: "TERMINAL_GONE",
  message: "There is no such terminal any more.",
};

const seatOf = (socket: WebSocket) => socket.deserializeAttachment() as TerminalSeat;
const isOpen = ({ readyState }: WebSocket): boolean => readyState === WebSocket.OPEN;

const SIGNED_OUT: CommandReply = {
  ok: false,
  code: "TICKET_INVALID",
  message: "Whoever got the ticket may not have a terminal any more.",
};

/** Carries the terminals of one agent: the bytes between it and those who look, who may come and go. */
export class TerminalRelay {
  readonly #store: TerminalStore;
  readonly #host: TerminalHost;
  // A character is never cut in two by the agent, so each frame stands by itself.
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  #checkedAt = 0;

  constructor(store: TerminalStore, host: TerminalHost) {
    this.#store = store;
    this.#host = host;
  }

  /** Opens a terminal, or one that is open already to somebody else's eyes, and takes over their socket. */
  async open(ticket: TerminalTicket, protocols: string[]): Promise<Response> {
    // Between the ticket and its use they may have signed out, or lost the right.
    const [good] = await this.#host.stillMay([ticket.watcher]);
    if (good === undefined) return Response.json(SIGNED_OUT, { status: 401 });
    if (ticket.isNew) {
      const reply = await this.#start(ticket);
      if (!reply.ok) return Response.json(reply, { status: 409 });
    }
    const record = this.#store.terminal(ticket.terminal);
    if (!record) return Response.json(GONE, { status: 409 });
    const { 0: client, 1: server } = new WebSocketPair();
    const isFramed = protocols.includes(CONTROL_PROTOCOL);
    const { terminal, watcher } = ticket;
    for (const other of this.#looking(terminal)) other.close(EndCode.replaced, "looked at elsewhere");
    this.#host.accept(server);
    this.#sit(server, { terminal, watcher, channel: record.channel, offset: null, isFramed });
    void this.#attach(server, ticket);
    const headers: Record<string, string> = isFramed ? { "sec-websocket-protocol": CONTROL_PROTOCOL } : {};
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  list(): OpenTerminal[] {
    return this.#store.terminals().map(({ id, userId, openedAt }) => ({
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
    if (resize) return this.#resize(seat, Number(resize[2]), Number(resize[1]));
    const bytes = typeof frame === "string" ? this.#encoder.encode(frame) : new Uint8Array(frame);
    this.#host.toAgent(encodeFrame({ kind: FrameKind.input, channel: seat.channel, offset: 0, bytes }));
  }

  /** Somebody has gone; the terminal stays open for a while. */
  left(socket: WebSocket): void {
    const { terminal } = seatOf(socket);
    if (this.#looking(terminal).length > 0 || !this.#store.terminal(terminal)) return;
    void this.#host.ask({ name: "terminal.detach", args: { session: terminal }, timeoutMs: ANSWER_MS });
  }

  /** Passes on what a terminal said. */
  pass(data: ArrayBuffer): boolean {
    const frame = decodeFrame(new Uint8Array(data));
    if (frame?.kind !== FrameKind.output) return false;
    const socket = this.#host.sockets().find((one) => isOpen(one) && seatOf(one).channel === frame.channel);
    const end = frame.offset + frame.bytes.length;
    if (!socket) this.#credit(frame.channel, end);
    else this.#show(socket, frame, end);
    return true;
  }

  /** The agent says that a terminal has ended. */
  ended(terminal: string, end: TerminalEnd): void {
    const record = this.#store.terminal(terminal);
    if (!record) return;
    this.#store.removeTerminal(terminal);
    this.#host.ended(record, end);
    const code = end.reason === "idle" ? EndCode.idle : EndCode.exit;
    for (const socket of this.#looking(terminal)) {
      if (seatOf(socket).isFramed) socket.send(JSON.stringify({ type: "exit", ...end }));
      socket.close(code, end.exit_code === null ? end.reason : `exit ${end.exit_code}`);
    }
  }

  /** The agent was started anew or is gone: its terminals are, too. */
  lost(): void {
    for (const { id } of this.#store.terminals()) {
      for (const socket of this.#looking(id)) socket.close(EndCode.lost, "the agent is gone");
      this.ended(id, { exit_code: null, signal: null, reason: "lost", bytes_in: null, bytes_out: null });
    }
  }

  /** Ends the terminals of those who may not have one any more. */
  async check(): Promise<void> {
    this.#checkedAt = Date.now();
    const sockets = this.#host.sockets().filter(isOpen);
    if (sockets.length === 0) return;
    const good = new Set(await this.#host.stillMay([...new Set(sockets.map((one) => seatOf(one).watcher))]));
    for (const socket of sockets) {
      const { watcher, terminal } = seatOf(socket);
      if (good.has(watcher)) continue;
      socket.close(EndCode.revoked, "signed out");
      void this.close(terminal);
    }
  }

  /** Ends shells that were given up for lost while the agent was away. */
  reap(work: Work[]): void {
    for (const { kind, id } of work)
      if (kind === "terminal" && !this.#store.terminal(id)) void this.close(id);
  }

  close(terminal: string): Promise<CommandReply> {
    return this.#host.ask({ name: "terminal.close", args: { session: terminal }, timeoutMs: ANSWER_MS });
  }

  async #start(ticket: TerminalTicket): Promise<CommandReply> {
    const { terminal, rows, columns, idleSeconds, maxSeconds, userId, userName, ip } = ticket;
    const args = { session: terminal, rows, columns, idle_seconds: idleSeconds, max_seconds: maxSeconds };
    // Written down first: a shell nobody knows of must not be.
    const record = { id: terminal, userId, userName, ip, openedAt: Date.now(), channel: 0 };
    this.#store.addTerminal(record);
    const reply = await this.#host.ask({ name: "terminal.open", args, timeoutMs: ANSWER_MS });
    if (reply.ok)
      this.#store.addTerminal({ ...record, channel: (reply.value as { channel: number }).channel });
    else this.#store.removeTerminal(terminal);
    return reply;
  }

  async #attach(socket: WebSocket, { terminal, rows, columns }: TerminalTicket): Promise<void> {
    const reply = await this.#host.ask({
      ...{ name: "terminal.attach", args: { session: terminal }, timeoutMs: ANSWER_MS },
    });
    if (!isOpen(socket)) return;
    if (!reply.ok) {
      if (!seatOf(socket).isFramed) socket.send(`${reply.message}\r\n`);
      return socket.close(EndCode.lost, reply.code);
    }
    const { offset, text } = reply.value as { offset: number; text: string };
    const bytes = Uint8Array.fromBase64(text);
    const seat = { ...seatOf(socket), offset: offset + bytes.length };
    this.#sit(socket, seat);
    if (seat.isFramed) socket.send(JSON.stringify({ type: "hello", terminal, offset }));
    if (bytes.length > 0) this.#say(socket, seat, bytes);
    this.#resize(seat, columns, rows);
  }

  #show(socket: WebSocket, { channel, offset, bytes }: TerminalFrame, end: number): void {
    const seat = seatOf(socket);
    // What comes before the agent has answered is in its answer.
    const known = seat.offset === null ? Infinity : Math.max(0, seat.offset - offset);
    if (known < bytes.length) {
      this.#say(socket, seat, bytes.subarray(known));
      this.#sit(socket, { ...seat, offset: end });
    }
    // Whoever speaks our protocol says what they have seen; of others it is not known.
    if (!seat.isFramed || seat.offset === null) this.#credit(channel, end);
  }

  #say(socket: WebSocket, { isFramed }: TerminalSeat, bytes: Uint8Array): void {
    socket.send(isFramed ? bytes : this.#decoder.decode(bytes));
  }

  #control(socket: WebSocket, seat: TerminalSeat, frame: string): void {
    const said = readControl(frame);
    if (!said) return socket.close(EndCode.protocol, "not what a terminal's page says");
    if (said.type === "resize") this.#resize(seat, said.columns, said.rows);
    else if (said.type === "close") void this.close(seat.terminal);
    else this.#credit(seat.channel, said.offset);
  }

  #resize({ terminal }: TerminalSeat, columns: number, rows: number): void {
    const args = { session: terminal, columns: within(columns), rows: within(rows) };
    void this.#host.ask({ name: "terminal.resize", args, timeoutMs: ANSWER_MS });
  }

  #credit(channel: number, offset: number): void {
    this.#host.toAgent(encodeFrame({ kind: FrameKind.credit, channel, offset, bytes: new Uint8Array() }));
  }

  #looking(terminal: string): WebSocket[] {
    return this.#host.sockets().filter((socket) => isOpen(socket) && seatOf(socket).terminal === terminal);
  }

  #sit(socket: WebSocket, seat: TerminalSeat): void {
    socket.serializeAttachment(seat);
  }
}

/** What a window can have. */
const within = (size: number): number => Math.min(Math.max(Math.floor(size) || 1, 1), 1000);

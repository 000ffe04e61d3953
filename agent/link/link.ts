import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import {
  BEAT_MS,
  CloseCode,
  type CommandReply,
  type FromAgent,
  type Host,
  LINK_PROTOCOL,
  MAX_FRAME_BYTES,
  type ToAgent,
  type Work,
} from "../../src/kernel/agent-protocol.ts";
import { Refused } from "../api.ts";
import { type CommandHandler, CommandRunner } from "./commands.ts";
import { Outbox } from "./outbox.ts";

/** The end of a program whose place is taken by another one that is alive. */
export class Occupied extends Error {}

export interface LinkSettings {
  url: string;
  token: string;
  /** Which of the agent's programs this is. */
  instance: string;
  version: string;
  capabilities: string[];
  labels: string[];
  host: Host;
  /** What the agent is doing, asked for every beat. */
  work(): Work[];
  isDraining(): boolean;
  /** The newest figures of the machine, if there are any. */
  sample(): unknown;
  commands: Record<string, CommandHandler>;
  /** Takes a binary frame. */
  bytes(frame: Uint8Array): void;
  /** The connection is there (again): what goes by no acknowledged event has to be repeated. */
  connected(): void;
  log(text: string): void;
}

const PING_MS = 10_000;
/** Without a frame for that long the connection is dead, whatever TCP says. */
const DEAF_MS = 25_000;
/** What an event or an answer may hold, with room for what is around it in its frame. */
const MAX_EVENT_CHARACTERS = MAX_FRAME_BYTES - 1_000;
const TOO_LARGE: CommandReply = {
  ok: false,
  code: "REPLY_TOO_LARGE",
  message: "The answer is larger than the link carries.",
};
const BACK_OFF_MS = { first: 500, longest: 30_000 };
/** The one that has our place may be an earlier life of ours, and gone before long. */
const OCCUPIED_MS = 3_000;

/** One WebSocket to the server, dialled again for as long as the agent lives. */
export class Link {
  readonly #settings: LinkSettings;
  readonly #outbox = new Outbox();
  readonly #commands: CommandRunner;
  readonly #stopping = new AbortController();
  #socket: WebSocket | undefined;
  #isWelcome = false;
  #mayWork = false;

  constructor(settings: LinkSettings) {
    this.#settings = settings;
    this.#commands = new CommandRunner(settings.commands, {
      answer: (id, reply) => this.#answer(id, reply),
      fit: (reply) => (JSON.stringify(reply).length > MAX_EVENT_CHARACTERS ? TOO_LARGE : reply),
      emit: (id, data) => this.emit(`command:${id}`, data),
    });
  }

  /**
   * Whether this is the one program of its agent, as far as it was told: it was let in and, where the connection broke,
   * not refused since; or the server cannot be asked by a WebSocket at all.
   */
  get mayWork(): boolean {
    return this.#mayWork;
  }

  /** Stays connected until `stop`; throws when the server does not take the token, or another program has the place. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    let pause = BACK_OFF_MS.first;
    let refusal: string | undefined;
    while (!signal.aborted) {
      const ended = await this.#connection();
      if (signal.aborted) return;
      if (ended.code === CloseCode.revoked) throw new Refused(401, "TOKEN_INVALID", ended.reason);
      pause = ended.wasWelcome ? BACK_OFF_MS.first : Math.min(pause * 2, BACK_OFF_MS.longest);
      const isOccupied = ended.code === CloseCode.occupied;
      if (isOccupied && refusal !== undefined && refusal !== ended.reason) throw new Occupied(ended.reason);
      refusal = isOccupied ? ended.reason : undefined;
      if (isOccupied) pause = OCCUPIED_MS;
      const ms = Math.round(pause * (0.5 + Math.random() / 2));
      this.#settings.log(`no link: ${ended.reason || `closed with ${ended.code}`}; again in ${ms} ms`);
      await sleep(ms, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Reports something; waits while the link has more than it can carry. */
  async emit(topic: string, data: unknown): Promise<void> {
    // The link would hang up on it each time it was said again.
    if (JSON.stringify(data).length > MAX_EVENT_CHARACTERS)
      return this.#settings.log(`${topic}: what it says is too large for the link, and left out`);
    await this.#outbox.room();
    const frame = this.#outbox.add(topic, data);
    if (this.#isWelcome) this.#socket?.send(frame);
  }

  /** Sends bytes, if there is a connection to send them by. */
  send(frame: Uint8Array): void {
    if (this.#isWelcome) this.#socket?.send(frame);
  }

  /** A line for `GET /api/agents/:id/logs`; dropped while there is no link, since it is on this machine's own log too. */
  log(level: "info" | "warn" | "error", message: string): void {
    this.#say({ type: "log", level, message: message.slice(0, 16_000), at: new Date().toISOString() });
  }

  /** Says how the agent is, now and not at the next beat. */
  beat(): void {
    const { work, isDraining, sample } = this.#settings;
    const figures = sample();
    this.#say({
      type: "beat",
      state: isDraining() ? "draining" : "running",
      work: work(),
      ...(figures !== undefined && { sample: figures }),
    });
  }

  /** Takes leave and hangs up. */
  stop(state: "stopped" | "failed", reason: string): Promise<void> {
    this.#say({ type: "bye", state, reason });
    return this.hangUp();
  }

  /** Ends the connection and dials no more. */
  async hangUp(): Promise<void> {
    this.#stopping.abort();
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.close(1000, "bye");
    await Promise.race([closed, sleep(2_000)]);
    socket.terminate();
  }

  /** One connection from dialling to its end. */
  #connection(): Promise<{ code: number; reason: string; wasWelcome: boolean }> {
    const { url, token } = this.#settings;
    const address = new URL("/api/agent-link", url);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, LINK_PROTOCOL, {
      headers: { "x-ic-token": token },
      handshakeTimeout: 15_000,
      maxPayload: 2 * MAX_FRAME_BYTES,
    });
    this.#socket = socket;
    return new Promise((resolve) => {
      let heardAt = Date.now();
      let failure = "";
      const timers = [
        setInterval(() => this.beat(), BEAT_MS),
        setInterval(() => {
          if (Date.now() - heardAt > DEAF_MS) socket.terminate();
          else if (socket.readyState === WebSocket.OPEN) socket.send("ping");
        }, PING_MS),
      ];
      socket.on("open", () => this.#greet());
      socket.on("message", (data, isBinary) => {
        heardAt = Date.now();
        if (isBinary) this.#settings.bytes(data as Buffer);
        else this.#hear(String(data));
      });
      socket.on("error", (error) => (failure = error.message));
      socket.on("unexpected-response", (_request, response) => {
        const status = response.statusCode ?? 0;
        failure = `the server answered ${status}`;
        response.resume();
        socket.terminate();
        if (status === 401 || status === 403) end(CloseCode.revoked, failure);
      });
      socket.on("close", (code, reason) => end(code, String(reason) || failure));
      const end = (code: number, reason: string) => {
        for (const timer of timers) clearInterval(timer);
        const wasWelcome = this.#isWelcome;
        this.#isWelcome = false;
        this.#mayWork = code !== CloseCode.occupied;
        resolve({ code, reason, wasWelcome });
      };
    });
  }

  #greet(): void {
    const { instance, version, capabilities, labels, host } = this.#settings;
    const now = new Date().toISOString();
    this.#say({ type: "hello", instance, version, capabilities, labels, host, now });
  }

  #hear(frame: string): void {
    if (frame === "pong") return;
    const said = JSON.parse(frame) as ToAgent;
    switch (said.type) {
      case "welcome":
        return this.#resume(said.event);
      case "command":
        this.#say({ type: "ack", id: said.id });
        return this.#commands.take(said.id, said.name, said.args);
      case "cancel":
        return this.#commands.cancel(said.id);
      case "result-ack":
        return this.#commands.settle(said.id);
      case "event-ack":
        return this.#outbox.acknowledge(said.seq);
    }
  }

  /** Says again what may not have arrived. */
  #resume(event: number): void {
    this.#isWelcome = this.#mayWork = true;
    this.#outbox.acknowledge(event);
    for (const frame of this.#outbox.owed()) this.#socket?.send(frame);
    for (const [id, reply] of this.#commands.unsettled()) this.#say({ type: "result", id, reply });
    this.#settings.connected();
    this.beat();
  }

  #answer(id: string, reply: CommandReply): void {
    if (this.#isWelcome) this.#say({ type: "result", id, reply });
  }

  #say(message: FromAgent): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

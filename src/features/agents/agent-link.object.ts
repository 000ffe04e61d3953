import { DurableObject } from "cloudflare:workers";
import {
  BEAT_MS,
  CloseCode,
  type CommandReply,
  type FromAgent,
  LINK_PROTOCOL,
  type ToAgent,
} from "../../kernel/agent-protocol.ts";
import {
  type AgentLogLine,
  type LinkCommand,
  type LinkStatus,
  type OpenTerminal,
  TERMINAL_HEADER,
  type TerminalTicket,
} from "../../kernel/ports/agent-links.ts";
import type { AuditEvent, AuditTrail } from "../../kernel/ports/audit-trail.ts";
import type { AgentRecords } from "./agent-records.repo.ts";
import { InTurn } from "./in-turn.ts";
import { LinkCommands } from "./link-commands.ts";
import { readMessage } from "./link-messages.ts";
import { LinkStore, type Span } from "./link-store.ts";
import { createTerminals, type TerminalPorts } from "./link-terminals.ts";
import * as presence from "./presence.ts";
import { EndedTerminal } from "./terminal-store.ts";

export interface AgentLinkPorts extends TerminalPorts {
  records: AgentRecords;
  auditTrail: Pick<AuditTrail, "append">;
}

/** What a socket remembers while the object sleeps. */
interface AgentSeat {
  instance: string | null;
  /** The last event of this program that was handed on. */
  event: number;
}

const AGENT = "agent";
const TERMINAL = "terminal";

/**
 * The one place where an agent is reached; see `AgentLinkHandle` for what its methods promise. The socket hibernates
 * between frames. Of two programs under one identity the first stays while it is alive.
 */
export const createAgentLink = <Env>(portsOf: (env: Env) => AgentLinkPorts) =>
  class AgentLink extends DurableObject<Env> {
    readonly #store = new LinkStore(this.ctx.storage.sql);
    readonly #ports = portsOf(this.env);
    readonly #agentId = this.ctx.id.name ?? "";
    readonly #commands = new LinkCommands(this.#store, {
      now: Date.now,
      isConnected: () => this.#seated() !== undefined,
      say: (message) => this.#say(message),
    });
    readonly #shells = createTerminals(this.ctx.storage.sql, this.#agentId, this.#ports, {
      sockets: () => this.ctx.getWebSockets(TERMINAL),
      accept: (socket) => this.ctx.acceptWebSocket(socket, [TERMINAL]),
      ask: (command) => this.#commands.ask(command),
      toAgent: (frame) => this.#seated()?.send(frame),
      background: (work) => this.#background(work),
      tellTrail: (event) => this.#tellTrail(event),
    });
    readonly #terminals = this.#shells.relay;
    #presence = this.#store.fact<presence.Presence>("presence") ?? presence.unseen(Date.now());
    #delivering: Promise<void> = Promise.resolve();
    readonly #records = new InTurn(BEAT_MS);

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    }

    /** Takes an upgrade the Worker has let in: the agent's, or that of somebody with a ticket to a terminal. */
    override async fetch(request: Request): Promise<Response> {
      const ticket = request.headers.get(TERMINAL_HEADER);
      if (ticket !== null) {
        const protocols = request.headers.get("sec-websocket-protocol")?.split(/,\s*/) ?? [];
        return this.#terminals.open(JSON.parse(ticket) as TerminalTicket, protocols);
      }
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server, [AGENT]);
      server.serializeAttachment({ instance: null, event: 0 } satisfies AgentSeat);
      return new Response(null, {
        status: 101,
        webSocket: client,
        headers: { "sec-websocket-protocol": LINK_PROTOCOL },
      });
    }

    status(): LinkStatus {
      const { instance: _, ...known } = presence.afterSilence(this.#presence, Date.now());
      return { ...known, connected: this.#seated() !== undefined };
    }

    admits(instance: string): boolean {
      return presence.mayTakeOver(this.#presence, instance, this.#seated() !== undefined, Date.now());
    }

    async ask(command: LinkCommand, onEvent?: (data: unknown) => void): Promise<CommandReply> {
      if (command.name === "agent.restart" && this.#seated())
        this.#enter(presence.restarting(this.#presence, Date.now()));
      return this.#commands.ask(command, onEvent);
    }

    readLogs({ after, limit }: { after?: number; limit: number }): AgentLogLine[] {
      return this.#store.logs(after, limit);
    }

    readSamples(span: Span): { at: number; sample: unknown }[] {
      return this.#store.samples(span, Date.now());
    }

    addTicket(hash: string, expiresAt: number, ticket: TerminalTicket): void {
      this.#shells.store.addTicket(hash, expiresAt, ticket);
    }

    redeemTicket(hash: string, now: number): TerminalTicket | null {
      return this.#shells.store.redeemTicket(hash, now);
    }

    listTerminals(): OpenTerminal[] {
      return this.#terminals.list();
    }

    closeTerminal(id: string): Promise<CommandReply> {
      return this.#terminals.close(id);
    }

    readRecording(id: string): { parts: number; rest: Uint8Array } | null {
      return this.#shells.recorder.read(id);
    }

    async revoke(): Promise<void> {
      this.#commands.abandon("The agent was removed, or its token taken away, before it answered.");
      this.#terminals.lost();
      for (const socket of this.ctx.getWebSockets()) socket.close(CloseCode.revoked, "revoked");
      await this.#shells.recorder.flush();
      await this.ctx.storage.deleteAlarm();
      this.#presence = presence.unseen(Date.now());
      const { recorder, recordingStore, store } = this.#shells;
      for (const kept of [this.#store, store]) kept.clear();
      // What the blob store has not taken yet outlives the agent.
      if (recorder.owes) return this.#setAlarm();
      await this.ctx.storage.deleteAll();
      for (const kept of [this.#store, store, recordingStore]) kept.createTables();
    }

    override async webSocketMessage(socket: WebSocket, frame: string | ArrayBuffer): Promise<void> {
      // Whoever was sent away may still talk for as long as it does not answer the close.
      if (!isOpen(socket)) return;
      if (this.ctx.getTags(socket)[0] === TERMINAL) return this.#terminals.hear(socket, frame);
      if (typeof frame !== "string" && this.#isSeated(socket) && this.#terminals.pass(frame)) return;
      const said = typeof frame === "string" ? readMessage(frame) : undefined;
      const seat = socket.deserializeAttachment() as AgentSeat;
      if (!said || (said.type === "hello") !== (seat.instance === null)) {
        this.#ports.log("warn", "agent.protocol", { agent_id: this.#agentId, type: said?.type ?? null });
        return socket.close(CloseCode.protocol, "not what an agent says");
      }
      if (said.type === "hello") this.#greet(socket, said);
      else if (said.type === "event") await this.#hand(socket, said);
      else this.#hear(said);
    }

    override webSocketError(socket: WebSocket): void {
      this.webSocketClose(socket);
    }

    override webSocketClose(socket: WebSocket): void {
      // A lost connection to the agent is no news yet: it dials in again, or the alarm notices its silence.
      if (this.ctx.getTags(socket)[0] === TERMINAL) this.#terminals.left(socket);
    }

    override async alarm(): Promise<void> {
      this.#enter(presence.afterSilence(this.#presence, Date.now()));
      this.#store.forgetCommandsBefore(Date.now());
      if (presence.isLost(this.#presence, Date.now())) {
        this.#commands.lose("Nothing was heard of the agent before it answered.");
        this.#terminals.lost();
      }
      await this.#shells.recorder.flush();
      this.#setAlarm();
    }

    /** For what time alone changes, and for recordings that are not yet where they shall stay. */
    #setAlarm(): void {
      const now = Date.now();
      const owedAt = this.#shells.recorder.owes ? now + BEAT_MS : Infinity;
      const due = Math.min(presence.dueAt(this.#presence, now), owedAt);
      if (due !== Infinity) void this.ctx.storage.setAlarm(due);
    }

    #greet(socket: WebSocket, hello: Extract<FromAgent, { type: "hello" }>): void {
      const { instance } = hello;
      const others = this.ctx.getWebSockets(AGENT).filter((other) => other !== socket && isOpen(other));
      if (!this.admits(instance))
        return socket.close(CloseCode.occupied, presence.occupiedText(this.#presence));
      for (const other of others) other.close(CloseCode.replaced, "connected anew");
      if (this.#presence.instance !== instance) {
        this.#commands.abandon("The agent was started anew before it answered.");
        this.#terminals.lost();
        this.#store.setFact("event", 0);
      }
      const event = this.#store.fact<number>("event") ?? 0;
      socket.serializeAttachment({ instance, event } satisfies AgentSeat);
      this.#enter(presence.greeted(this.#presence, hello, Date.now()));
      this.#say({ type: "welcome", agent_id: this.#agentId, event });
      this.#commands.repeat();
      this.#terminals.resume();
    }

    #hear(said: Exclude<FromAgent, { type: "hello" | "event" }>): void {
      const now = Date.now();
      switch (said.type) {
        case "beat":
          this.#background(this.#terminals.check());
          this.#terminals.reap(said.work);
          this.#background(this.#shells.recorder.flush());
          this.#store.forgetCommandsBefore(now);
          if (said.sample !== undefined) this.#store.addSample(said.sample, now);
          return this.#enter(presence.beaten(this.#presence, said, now));
        case "bye":
          this.#terminals.lost();
          return this.#enter(presence.tookLeave(this.#presence, said, now));
        case "result":
          // After what was said before it.
          return void this.#delivering.then(() => this.#commands.take(said.id, said.reply));
        case "log":
          return this.#store.addLog({ level: said.level, message: said.message, at: Date.parse(said.at) });
        case "ack":
          // The agent keeps the command from now on; it is said again all the same until it is answered.
          return;
      }
    }

    /** One after the other, as they were numbered: an event that cannot be handed on holds up those behind it. */
    #hand(socket: WebSocket, { seq, topic, data }: Extract<FromAgent, { type: "event" }>): Promise<void> {
      this.#delivering = this.#delivering.then(async () => {
        const last = this.#store.fact<number>("event") ?? 0;
        if (seq > last + 1) return socket.close(CloseCode.protocol, `event ${last + 1} is missing`);
        try {
          if (seq === last + 1) await this.#deliver(topic, data);
        } catch (error) {
          this.#ports.log("error", "agent.event_not_delivered", { agent_id: this.#agentId, topic, error });
          return socket.close(1011, "the event could not be handed on");
        }
        if (seq === last + 1) this.#store.setFact("event", seq);
        this.#sayTo(socket, { type: "event-ack", seq });
      });
      return this.#delivering;
    }

    async #deliver(topic: string, data: unknown): Promise<void> {
      const [, kind, id] = /^(terminal|command):(.+)$/.exec(topic) ?? [];
      if (kind === "terminal") this.#terminals.ended(id!, EndedTerminal.parse(data));
      else if (kind === "command")
        await this.#commands.hear(id!, data).catch((error) => this.#deaf(id!, error));
      else throw new Error(`nobody takes ${topic}`);
    }

    /** Whoever waits for a command has gone away; what it says is of no use to anybody else. */
    #deaf(id: string, error: unknown): void {
      this.#ports.log("warn", "agent.event_unheard", { agent_id: this.#agentId, command: id, error });
    }

    #background(work: Promise<unknown>): void {
      const failed = (error: unknown) =>
        this.#ports.log("error", "agent.background_failed", { agent_id: this.#agentId, error });
      this.ctx.waitUntil(work.catch(failed));
    }

    #tellTrail(event: AuditEvent): void {
      const lost = (error: unknown) => this.#ports.log("error", "audit.lost", { event, error });
      this.ctx.waitUntil(this.#ports.auditTrail.append([event]).catch(lost));
    }

    /** Keeps the presence, and writes it down where others look. */
    #enter(next: presence.Presence): void {
      const before = this.#presence;
      if (next === before) return;
      const changed = next.state !== before.state || next.instance !== before.instance;
      this.#presence = next;
      this.#store.setFact("presence", next);
      // One after the other: what was said last is what stays written.
      this.ctx.waitUntil(this.#records.add(() => this.#record(next, changed)));
      this.#setAlarm();
    }

    /** Writes down how the agent is; one that may not be there any more is sent away. */
    async #record(now: presence.Presence, changed: boolean): Promise<void> {
      try {
        const mayStay = await this.#ports.records.record(this.#agentId, now, changed);
        if (!mayStay) await this.revoke();
      } catch (error) {
        this.#ports.log("error", "agent.not_recorded", { agent_id: this.#agentId, error });
      }
    }

    /** The socket of the program that is connected. */
    #seated(): WebSocket | undefined {
      return this.ctx.getWebSockets(AGENT).find((socket) => isOpen(socket) && this.#isSeated(socket));
    }

    #isSeated(socket: WebSocket): boolean {
      return (socket.deserializeAttachment() as AgentSeat).instance !== null;
    }

    #say(message: ToAgent): void {
      const socket = this.#seated();
      if (socket) this.#sayTo(socket, message);
    }

    #sayTo(socket: WebSocket, message: ToAgent): void {
      if (isOpen(socket)) socket.send(JSON.stringify(message));
    }
  };

const isOpen = ({ readyState }: WebSocket): boolean => readyState === WebSocket.OPEN;

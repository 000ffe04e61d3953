import { DurableObject } from "cloudflare:workers";
import {
  BEAT_MS,
  CloseCode,
  type CommandReply,
  type FromAgent,
  LINK_PROTOCOL,
  type ToAgent,
} from "../../kernel/agent-protocol.ts";
import type { Log } from "../../kernel/log.ts";
import type { AgentLogLine, LinkCommand, LinkStatus } from "../../kernel/ports/agent-links.ts";
import type { AgentRecords } from "./agent-records.repo.ts";
import { LinkCommands } from "./link-commands.ts";
import { readMessage } from "./link-messages.ts";
import { LinkStore, type Span } from "./link-store.ts";
import * as presence from "./presence.ts";

/** Something an agent reports of its work; `topic` begins with the kind of work it belongs to. */
export interface AgentEvent {
  agentId: string;
  topic: string;
  data: unknown;
}

export interface AgentLinkPorts {
  /** Hands an event to whom it concerns. What it throws makes the agent say it again. */
  deliver(event: AgentEvent): Promise<void>;
  records: AgentRecords;
  log: Log;
}

/** What a socket remembers while the object sleeps. */
interface Seat {
  instance: string | null;
  /** The last event of this program that was handed on. */
  event: number;
}

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
    #presence = this.#store.fact<presence.Presence>("presence") ?? presence.unseen(Date.now());
    #delivering: Promise<void> = Promise.resolve();

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    }

    override async fetch(): Promise<Response> {
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server);
      server.serializeAttachment({ instance: null, event: 0 } satisfies Seat);
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

    async ask(command: LinkCommand): Promise<CommandReply> {
      if (command.name === "agent.restart") this.#enter(presence.restarting(this.#presence, Date.now()));
      return this.#commands.ask(command);
    }

    readLogs({ after, limit }: { after?: number; limit: number }): AgentLogLine[] {
      return this.#store.logs(after, limit);
    }

    readSamples(span: Span): { at: number; sample: unknown }[] {
      return this.#store.samples(span, Date.now());
    }

    async revoke(): Promise<void> {
      for (const socket of this.ctx.getWebSockets()) socket.close(CloseCode.revoked, "revoked");
      await this.ctx.storage.deleteAlarm();
      await this.ctx.storage.deleteAll();
      this.#store.createTables();
      this.#presence = presence.unseen(Date.now());
    }

    override async webSocketMessage(socket: WebSocket, frame: string | ArrayBuffer): Promise<void> {
      const said = typeof frame === "string" ? readMessage(frame) : undefined;
      const seat = socket.deserializeAttachment() as Seat;
      if (!said || (said.type === "hello") !== (seat.instance === null)) {
        this.#ports.log("warn", "agent.protocol", { agent_id: this.#agentId, type: said?.type ?? null });
        return socket.close(CloseCode.protocol, "not what an agent says");
      }
      if (said.type === "hello") this.#greet(socket, said);
      else if (said.type === "event") await this.#hand(socket, said);
      else this.#hear(said);
    }

    override webSocketClose(): void {
      // A lost connection is no news yet: the agent dials in again, or its silence is noticed by the alarm.
    }

    override async alarm(): Promise<void> {
      this.#enter(presence.afterSilence(this.#presence, Date.now()));
      this.#store.forgetCommandsBefore(Date.now());
    }

    #greet(socket: WebSocket, hello: Extract<FromAgent, { type: "hello" }>): void {
      const { instance } = hello;
      const others = this.ctx.getWebSockets().filter((other) => other !== socket && isOpen(other));
      const isConnected = others.some((other) => (other.deserializeAttachment() as Seat).instance !== null);
      if (!presence.mayTakeOver(this.#presence, instance, isConnected, Date.now()))
        return socket.close(CloseCode.occupied, "another program is connected under this identity");
      for (const other of others) other.close(CloseCode.replaced, "connected anew");
      const isNew = this.#presence.instance !== instance;
      if (isNew) {
        this.#commands.abandon();
        this.#store.setFact("event", 0);
      }
      const event = this.#store.fact<number>("event") ?? 0;
      socket.serializeAttachment({ instance, event } satisfies Seat);
      this.#enter(presence.greeted(this.#presence, hello, Date.now()));
      this.#say({ type: "welcome", agent_id: this.#agentId, event });
      this.#commands.repeat();
    }

    #hear(said: Exclude<FromAgent, { type: "hello" | "event" }>): void {
      const now = Date.now();
      switch (said.type) {
        case "beat":
          if (said.sample !== undefined) this.#store.addSample(said.sample, now);
          return this.#enter(presence.beaten(this.#presence, said, now));
        case "bye":
          return this.#enter(presence.tookLeave(this.#presence, said, now));
        case "result":
          return this.#commands.take(said.id, said.reply);
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
          if (seq === last + 1) await this.#ports.deliver({ agentId: this.#agentId, topic, data });
        } catch (error) {
          this.#ports.log("error", "agent.event_not_delivered", { agent_id: this.#agentId, topic, error });
          return socket.close(1011, "the event could not be handed on");
        }
        if (seq === last + 1) this.#store.setFact("event", seq);
        this.#sayTo(socket, { type: "event-ack", seq });
      });
      return this.#delivering;
    }

    /** Keeps the presence, and writes it down where others look. */
    #enter(next: presence.Presence): void {
      const before = this.#presence;
      if (next === before) return;
      const changed = next.state !== before.state || next.instance !== before.instance;
      this.#presence = next;
      this.#store.setFact("presence", next);
      this.ctx.waitUntil(this.#record(next, changed));
      const due = presence.silenceEndsAt(next);
      if (due !== Infinity) void this.ctx.storage.setAlarm(due + BEAT_MS / 10);
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
      return this.ctx
        .getWebSockets()
        .find((socket) => isOpen(socket) && (socket.deserializeAttachment() as Seat).instance !== null);
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

import { DurableObject } from "cloudflare:workers";
import type { RunStatus } from "../../db/schema.ts";
import type { Log } from "../../kernel/log.ts";
import {
  type FeedAck,
  type FeedRefusal,
  type FeedWriter,
  type LogLine,
  type LogsPage,
  type LogsQuery,
  type MetricColumns,
  type MetricPoint,
  type MetricsPage,
  type MetricsQuery,
  TERMINAL,
} from "../../kernel/ports/run-feeds.ts";
import { compact } from "./feed-compaction.ts";
import { type FeedEvent, framesOf, helloFrame, statusFrame } from "./feed-frames.ts";
import { readLogs, readMetrics } from "./feed-queries.ts";
import { replay } from "./feed-replay.ts";
import { type Chunk, type FeedMeta, FeedStore } from "./feed-store.ts";
import { FeedWriteQueue } from "./feed-writer.ts";

/** Where a feed's history lives for good, and the run's row it belongs to. */
export interface RunArchive {
  /** `undefined` when the run is gone. */
  findRun(runId: string): Promise<FeedMeta | undefined>;
  loadChunks(runId: string, visit: (chunk: Chunk) => void): Promise<void>;
  saveChunks(runId: string, chunks: Chunk[], latest: MetricPoint | undefined): Promise<void>;
  /** Fails the run if its agent has been silent for too long; says what the run's row holds then. */
  expireLease(runId: string, now: Date): Promise<FeedMeta | undefined>;
}

export interface RunFeedPorts {
  archive: RunArchive;
  log: Log;
  /** After the object itself was away an agent gets this long to be heard of before it counts as lost. */
  wakeGraceMs: number;
}

const ARCHIVE_EVERY_MS = 1_000;
const RETRY_ARCHIVE_MS = 5_000;
const ARCHIVE_BATCH = 8;
const BROADCAST_EVERY_MS = 10;
const KEEP_ACKS_MS = 24 * 3_600_000;
const KEEP_FINISHED_MS = 7 * 24 * 3_600_000;

/** The live feed of one run; see `RunFeedHandle` for what its methods promise. */
export const createRunFeed = <Env>(portsOf: (env: Env) => RunFeedPorts) =>
  class RunFeed extends DurableObject<Env> {
    readonly #store = new FeedStore(this.ctx.storage.sql);
    readonly #ports = portsOf(this.env);
    readonly #runId = this.ctx.id.name ?? "";
    readonly #awakeSince = Date.now();
    readonly #queue = new FeedWriteQueue(this.#store, (events, latest) => this.#written(events, latest));
    #meta: FeedMeta | undefined = this.#store.fact<FeedMeta>("meta");
    #latest: MetricPoint | undefined = this.#store.fact<MetricPoint>("latest");
    #outbox: FeedEvent[] = [];
    #loading: Promise<FeedMeta | undefined> | undefined;

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    }

    appendMetrics(writer: FeedWriter, columns: MetricColumns, key?: string): Promise<FeedAck> {
      return this.#append(writer, () =>
        this.#queue.append({ kind: "metrics", columns }, key && `metrics:${key}`),
      );
    }

    appendLogs(writer: FeedWriter, lines: LogLine[], key?: string): Promise<FeedAck> {
      return this.#append(writer, () => this.#queue.append({ kind: "logs", lines }, key && `logs:${key}`));
    }

    async readMetrics(query: MetricsQuery): Promise<MetricsPage> {
      await this.#load();
      return readMetrics(this.#store, query);
    }

    async readLogs(query: LogsQuery): Promise<LogsPage> {
      await this.#load();
      return readLogs(this.#store, query);
    }

    async sync(): Promise<number> {
      await this.#load();
      const meta = await this.#ports.archive.findRun(this.#runId);
      if (meta) this.#accept(meta);
      await this.#schedule();
      return this.#queue.seq;
    }

    addTicket(hash: string, expiresAt: number): void {
      this.#store.addTicket(hash, expiresAt);
    }

    redeemTicket(hash: string, now: number): boolean {
      return this.#store.redeemTicket(hash, now);
    }

    async destroy(): Promise<void> {
      for (const socket of this.ctx.getWebSockets()) socket.close(1001, "run deleted");
      await this.ctx.storage.deleteAlarm();
      await this.ctx.storage.deleteAll();
      this.#store.createTables();
      this.#queue.reload();
      this.#meta = this.#latest = undefined;
      this.#outbox = [];
    }

    /** Takes the upgrade of a watcher the Worker has let in; `?since=` replays from there. */
    override async fetch(request: Request): Promise<Response> {
      const meta = await this.#load();
      if (!meta) return new Response(null, { status: 404 });
      const since = new URL(request.url).searchParams.get("since");
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server);
      // What is in the outbox is also in the store; sending it now keeps it from being sent twice to the new one.
      this.#flushOutbox(server);
      this.#send([server], [helloFrame(this.#runId, meta.status, this.#queue.seq)]);
      if (since !== null) this.#send([server], replay(this.#store, Number(since), this.#queue.seq));
      if (TERMINAL.has(meta.status)) this.#closeWith([server], meta);
      const protocol = request.headers.get("sec-websocket-protocol");
      return new Response(null, {
        status: 101,
        webSocket: client,
        ...(protocol && { headers: { "sec-websocket-protocol": protocol } }),
      });
    }

    override webSocketMessage(): void {
      // Watchers only listen; what they send (other than "ping") has no meaning here.
    }

    override webSocketClose(): void {
      // The runtime answers a close by itself; the socket is then no longer among `getWebSockets`.
    }

    override async alarm(): Promise<void> {
      try {
        await this.#tend();
      } catch (error) {
        // An alarm that keeps throwing is given up by the platform; one set anew is not.
        this.#ports.log("warn", "feed.archive_failed", { run_id: this.#runId, error });
        await this.ctx.storage.setAlarm(Date.now() + RETRY_ARCHIVE_MS);
      }
    }

    async #tend(): Promise<void> {
      if (!(await this.#load())) return this.destroy();
      await this.#archive();
      await this.#checkLease();
      if (this.#isExpendable()) this.#store.clearChunks();
      this.#store.forgetAcksBefore(Date.now() - KEEP_ACKS_MS);
      await this.#schedule();
    }

    async #append(writer: FeedWriter, write: () => Promise<FeedAck>): Promise<FeedAck> {
      const meta = this.#meta ?? (await this.#load());
      const refusal = refuse(meta, writer);
      return refusal ?? write();
    }

    #written(events: FeedEvent[], latest: MetricPoint | undefined): void {
      if (latest && latest.step >= (this.#latest?.step ?? -Infinity)) this.#latest = latest;
      if (this.ctx.getWebSockets().length > 0) {
        if (this.#outbox.length === 0) setTimeout(() => this.#flushOutbox(), BROADCAST_EVERY_MS);
        this.#outbox.push(...events);
      }
      void this.#schedule();
    }

    #flushOutbox(except?: WebSocket): void {
      const events = this.#outbox;
      this.#outbox = [];
      const watchers = this.ctx.getWebSockets().filter((socket) => socket !== except);
      if (events.length > 0) this.#send(watchers, framesOf(events));
    }

    #send(sockets: WebSocket[], frames: Iterable<object>): void {
      for (const frame of frames) {
        const text = JSON.stringify(frame);
        for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.send(text);
      }
    }

    #closeWith(sockets: WebSocket[], meta: FeedMeta): void {
      this.#send(sockets, [statusFrame(meta, this.#queue.seq)]);
      for (const socket of sockets) socket.close(1000, "run finished");
    }

    /** The run's facts; from the database, with its history, the first time the object hears of the run. */
    #load(): Promise<FeedMeta | undefined> {
      if (this.#meta && this.#store.fact<boolean>("complete")) return Promise.resolve(this.#meta);
      this.#loading ??= this.#rehydrate().finally(() => (this.#loading = undefined));
      return this.#loading;
    }

    async #rehydrate(): Promise<FeedMeta | undefined> {
      const meta = this.#meta ?? (await this.#ports.archive.findRun(this.#runId));
      if (!meta) return undefined;
      if (!this.#store.fact<boolean>("complete")) await this.#loadHistory();
      this.#accept(meta);
      return meta;
    }

    /** Chunk by chunk, so that a long history never stands in memory; one cut short is loaded again from the start. */
    async #loadHistory(): Promise<void> {
      this.#store.clearChunks();
      await this.#ports.archive.loadChunks(this.#runId, (chunk) => this.#store.insert(chunk, true));
      this.#store.setFact("complete", true);
      this.#queue.reload();
    }

    /** Adopts what the database says; a terminal status is announced and never left again. */
    #accept(meta: FeedMeta): void {
      const before = this.#meta;
      if (before && TERMINAL.has(before.status)) return;
      this.#meta = meta;
      this.#store.setFact("meta", meta);
      if (before === undefined || before.status === meta.status) return;
      this.#flushOutbox();
      const watchers = this.ctx.getWebSockets();
      if (TERMINAL.has(meta.status)) this.#closeWith(watchers, meta);
      else this.#send(watchers, [statusFrame(meta, this.#queue.seq)]);
    }

    /** Copies what is new into the archive, in batches, until nothing is left. */
    async #archive(): Promise<void> {
      for (const kind of ["metrics", "logs"] as const) {
        for (;;) {
          compact(this.#store, kind);
          const chunks = this.#store.unarchived(kind, ARCHIVE_BATCH);
          if (chunks.length === 0) break;
          await this.#ports.archive.saveChunks(this.#runId, chunks, this.#latest);
          for (const chunk of chunks) this.#store.markArchived(chunk);
          if (chunks.length < ARCHIVE_BATCH) break;
        }
      }
      if (this.#latest) this.#store.setFact("latest", this.#latest);
    }

    async #checkLease(): Promise<void> {
      const { status, leaseExpiresAt } = this.#meta!;
      const now = Date.now();
      if (status !== "running" || leaseExpiresAt === null || now < leaseExpiresAt) return;
      if (now < this.#awakeSince + this.#ports.wakeGraceMs) return;
      const meta = await this.#ports.archive.expireLease(this.#runId, new Date(now));
      if (meta) this.#accept(meta);
    }

    #isExpendable(): boolean {
      const { status, completedAt } = this.#meta!;
      const isOld = completedAt !== null && Date.now() - completedAt > KEEP_FINISHED_MS;
      if (!TERMINAL.has(status) || !isOld || this.#store.hasUnarchived()) return false;
      this.#store.setFact("complete", false);
      return true;
    }

    /** The next time something is due: archiving, a lease that runs out, or letting go of an old run's history. */
    async #schedule(): Promise<void> {
      const due: number[] = [];
      const now = Date.now();
      if (this.#store.hasUnarchived()) due.push(now + ARCHIVE_EVERY_MS);
      const { status, leaseExpiresAt, completedAt } = this.#meta ?? {};
      if (status === "running" && leaseExpiresAt) due.push(Math.max(leaseExpiresAt, now + ARCHIVE_EVERY_MS));
      if (completedAt && this.#store.fact<boolean>("complete")) due.push(completedAt + KEEP_FINISHED_MS);
      if (due.length === 0) return;
      const next = Math.min(...due);
      const current = await this.ctx.storage.getAlarm();
      if (current === null || current > next || current < now) await this.ctx.storage.setAlarm(next);
    }
  };

function refuse(meta: FeedMeta | undefined, writer: FeedWriter): FeedRefusal | undefined {
  if (!meta) return { ok: false, reason: "not_found" };
  const mayWrite =
    writer.kind === "agent"
      ? meta.agentId === writer.agentId
      : writer.scope === null || writer.scope === meta.ownerId;
  if (!mayWrite) return { ok: false, reason: "not_found" };
  const status: RunStatus = meta.status;
  return TERMINAL.has(status) ? { ok: false, reason: "finished", status } : undefined;
}

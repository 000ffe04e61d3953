import { DurableObject } from "cloudflare:workers";
import { WATCHER_HEADER } from "#http/web-socket";
import { Exclusive } from "../../kernel/exclusive.ts";
import type { Log } from "../../kernel/log.ts";
import type {
  FeedAck,
  FeedWriter,
  IdempotencyKey,
  LogLine,
  LogsPage,
  LogsQuery,
  MetricColumns,
  MetricPoint,
  MetricsPage,
  MetricsQuery,
  RunEnding,
  Watcher,
} from "../../kernel/ports/run-feeds.ts";
import { isForeignKeyViolation } from "../../kernel/postgres-error.ts";
import { wakeBy } from "./feed-alarm.ts";
import { type Change, FeedCopier, type RunArchive } from "./feed-archive.ts";
import { FeedDoubt } from "./feed-doubt.ts";
import { type FeedEvent, helloFrame, statusFrame } from "./feed-frames.ts";
import { expiryOf, hasEnded, isNews, leaseEnd, refuse } from "./feed-policy.ts";
import { latestPoint, readLogs, readMetrics } from "./feed-queries.ts";
import { replay } from "./feed-replay.ts";
import { type Chunk, type FeedMeta, FeedStore } from "./feed-store.ts";
import { FeedWatchers } from "./feed-watchers.ts";
import { FeedWriteQueue } from "./feed-writer.ts";

export interface RunFeedPorts {
  archive: RunArchive;
  log: Log;
  /** After the object itself was away an agent gets this long to be heard of before it counts as lost. */
  wakeGraceMs: number;
}

const ARCHIVE_EVERY_MS = 1_000;
const RETRY_MS = 5_000;
const KEEP_ACKS_MS = 24 * 3_600_000;
const VERIFY_EVERY_MS = 60_000;

/**
 * The live feed of one run; see `RunFeedHandle` for what its methods promise.
 *
 * A run ends and is deleted through its feed alone, which notes its doubt before it touches the row: whoever dies in
 * between, the feed reads the row again before it takes another entry. A row changed behind its back it learns of
 * with every copy to the archive, and once a minute while somebody watches.
 */
export const createRunFeed = <Env>(portsOf: (env: Env) => RunFeedPorts) =>
  class RunFeed extends DurableObject<Env> {
    readonly #store = new FeedStore(this.ctx.storage.sql);
    readonly #ports = portsOf(this.env);
    readonly #runId = this.ctx.id.name ?? "";
    readonly #awakeSince = Date.now();
    readonly #queue = new FeedWriteQueue(this.#store, (events, latest) => this.#written(events, latest));
    readonly #copier = new FeedCopier(this.#store, (chunks) => this.#save(chunks));
    readonly #changes = new Exclusive();
    readonly #watchers = new FeedWatchers(
      (watcher) => this.ctx.getWebSockets(watcher),
      (socket) => this.ctx.getTags(socket)[0] as Watcher,
    );
    #meta = this.#store.fact<FeedMeta>("meta");
    readonly #doubt = new FeedDoubt(this.#store);
    #latest = latestPoint(this.#store);
    #checkedAt = 0;
    #loading: Promise<FeedMeta | undefined> | undefined;

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    }

    appendMetrics(writer: FeedWriter, columns: MetricColumns, key?: IdempotencyKey): Promise<FeedAck> {
      return this.#append(writer, () => this.#queue.append({ kind: "metrics", columns }, key));
    }

    appendLogs(writer: FeedWriter, lines: LogLine[], key?: IdempotencyKey): Promise<FeedAck> {
      return this.#append(writer, () => this.#queue.append({ kind: "logs", lines }, key));
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
      if (await this.#load()) await this.#reread();
      await this.#schedule();
      return this.#queue.seq;
    }

    end(ending: RunEnding, agentId?: string): Promise<boolean> {
      return this.#change(() => this.#ports.archive.endRun(this.#runId, ending, agentId));
    }

    expireLease(): Promise<boolean> {
      return this.#change(() => this.#ports.archive.expireLease(this.#runId, new Date()));
    }

    remove(): Promise<boolean> {
      return this.#changes.run(async () => {
        this.#doubt.raise(Date.now());
        await this.#schedule();
        const deleted = await this.#ports.archive.deleteRun(this.#runId);
        await this.#destroy();
        return deleted;
      });
    }

    addTicket(hash: string, expiresAt: number, watcher: Watcher): void {
      this.#store.addTicket(hash, expiresAt, watcher);
    }

    redeemTicket(hash: string, now: number): Watcher | null {
      return this.#store.redeemTicket(hash, now);
    }

    /** Takes the upgrade of a watcher the Worker has let in; `?since=` replays from there. */
    override async fetch(request: Request): Promise<Response> {
      const meta = await this.#load();
      if (!meta) return new Response(null, { status: 404 });
      const since = new URL(request.url).searchParams.get("since");
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server, [request.headers.get(WATCHER_HEADER) ?? ""]);
      // What is in the outbox is also in the store; sending it now keeps it from being sent twice to the new one.
      this.#watchers.flush(server);
      this.#watchers.send([helloFrame(this.#runId, meta.status, this.#queue.seq)], [server]);
      if (since !== null) this.#watchers.send(replay(this.#store, Number(since), this.#queue.seq), [server]);
      if (hasEnded(meta)) this.#watchers.finish(statusFrame(meta, this.#queue.seq), [server]);
      void this.#schedule();
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
        this.#ports.log("warn", "feed.tend_failed", { run_id: this.#runId, error });
        await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
      }
    }

    async #tend(): Promise<void> {
      if (!(await this.#load())) return this.#destroy();
      await this.#archive();
      const now = Date.now();
      if (this.#verificationDue() <= now) await this.#reread();
      if (this.#watchers.checkDue() <= now)
        await this.#watchers.check((all) => this.#ports.archive.stillMay(this.#runId, all), now);
      if (this.#isLeaseOver(now)) await this.expireLease();
      if (this.#isExpendable(now)) this.#letGoOfHistory();
      this.#store.forgetAcksBefore(now - KEEP_ACKS_MS);
      await this.#schedule();
    }

    async #append(writer: FeedWriter, write: () => Promise<FeedAck>): Promise<FeedAck> {
      let meta = this.#changes.busy || this.#doubt.open ? undefined : this.#meta;
      while (!meta) {
        const loaded = await this.#load();
        if (!loaded) break;
        // The next change may have begun while this one's end was waited for.
        if (!this.#changes.busy) meta = loaded;
      }
      return refuse(meta, writer) ?? write();
    }

    #written(events: FeedEvent[], latest: MetricPoint | undefined): void {
      if (latest && latest.step >= (this.#latest?.step ?? -Infinity)) this.#latest = latest;
      this.#watchers.add(events);
      void this.#schedule();
    }

    /** The run's facts once no change is under way; `undefined` when it is gone. */
    async #load(): Promise<FeedMeta | undefined> {
      await this.#changes.idle();
      return this.#loadNow();
    }

    /** From the database, with its history, the first time the object hears of the run; in doubt, again from there. */
    #loadNow(): Promise<FeedMeta | undefined> {
      const isKnown = this.#meta && !this.#doubt.open && this.#store.fact<boolean>("complete");
      if (isKnown) return Promise.resolve(this.#meta);
      this.#loading ??= this.#rehydrate().finally(() => (this.#loading = undefined));
      return this.#loading;
    }

    async #rehydrate(): Promise<FeedMeta | undefined> {
      if (!this.#meta || this.#doubt.open) await this.#reread();
      if (this.#meta && !this.#store.fact<boolean>("complete")) await this.#loadHistory();
      return this.#meta;
    }

    /** Chunk by chunk, so that a long history never stands in memory; one cut short is loaded again from the start. */
    async #loadHistory(): Promise<void> {
      this.#store.clearChunks();
      await this.#ports.archive.loadChunks(this.#runId, (chunk) => this.#store.insert(chunk, true));
      this.#store.setFact("complete", true);
      this.#queue.reload();
      this.#latest = latestPoint(this.#store);
    }

    async #reread(): Promise<void> {
      const meta = await this.#ports.archive.findRun(this.#runId);
      const isKnown = this.#meta !== undefined || this.#doubt.open;
      if (!meta) return isKnown ? this.#destroy() : undefined;
      this.#accept(meta);
      this.#doubt.settleIfOld(Date.now());
    }

    /** Adopts what the database says; a terminal status is announced and never left again. */
    #accept(meta: FeedMeta): void {
      this.#checkedAt = Date.now();
      const before = this.#meta;
      if (before && !isNews(before, meta)) return;
      this.#meta = meta;
      this.#store.setFact("meta", meta);
      if (hasEnded(meta)) this.#doubt.settle();
      if (before === undefined || before.status === meta.status) return;
      this.#watchers.flush();
      const frame = statusFrame(meta, this.#queue.seq);
      if (hasEnded(meta)) this.#watchers.finish(frame);
      else this.#watchers.send([frame]);
    }

    /** Changes the row when all that was acknowledged is in the archive, so that nobody sees an end before its figures. */
    #change(write: () => Promise<Change>): Promise<boolean> {
      return this.#changes.run(async () => {
        await this.#loadNow();
        this.#queue.flush();
        await this.#archive();
        if (!this.#meta || hasEnded(this.#meta)) return false;
        this.#doubt.raise(Date.now());
        await this.#schedule();
        const { changed, meta } = await write();
        if (!meta) await this.#destroy();
        else this.#accept(meta);
        this.#doubt.settle();
        await this.#schedule();
        return changed;
      });
    }

    async #archive(): Promise<void> {
      try {
        await this.#copier.copy();
      } catch (error) {
        if (!isForeignKeyViolation(error)) throw error;
        // There is no row to belong to any more.
        await this.#reread();
      }
    }

    async #save(chunks: Chunk[]): Promise<void> {
      const meta = await this.#ports.archive.saveChunks(this.#runId, chunks, this.#latest);
      if (meta) this.#accept(meta);
    }

    async #destroy(): Promise<void> {
      this.#watchers.dismiss();
      this.#meta = this.#latest = undefined;
      this.#doubt.settle();
      await this.ctx.storage.deleteAlarm();
      await this.ctx.storage.deleteAll();
      this.#store.createTables();
      this.#queue.reload();
    }

    #isLeaseOver(now: number): boolean {
      const isAwake = now >= this.#awakeSince + this.#ports.wakeGraceMs;
      return this.#meta !== undefined && isAwake && now >= leaseEnd(this.#meta);
    }

    /** The archive has it all: a reader who still comes gets it back from there. */
    #letGoOfHistory(): void {
      this.#store.setFact("complete", false);
      this.#store.clearChunks();
    }

    #isExpendable(now: number): boolean {
      return this.#meta !== undefined && now > expiryOf(this.#meta) && !this.#store.hasUnarchived();
    }

    #verificationDue(): number {
      const isWatched = this.#meta && !hasEnded(this.#meta) && !this.#watchers.isEmpty();
      return isWatched ? this.#checkedAt + VERIFY_EVERY_MS : Infinity;
    }

    /** The next time something is due: archiving, settling a doubt, a lease that runs out, letting go of old history. */
    async #schedule(): Promise<void> {
      const now = Date.now();
      const soon = now + ARCHIVE_EVERY_MS;
      const due = [Math.max(Math.min(this.#verificationDue(), this.#watchers.checkDue()), soon)];
      if (this.#store.hasUnarchived()) due.push(soon);
      if (this.#doubt.open) due.push(now + RETRY_MS);
      if (this.#meta) due.push(Math.max(leaseEnd(this.#meta), soon));
      if (this.#meta && this.#store.fact<boolean>("complete")) due.push(expiryOf(this.#meta));
      await wakeBy(this.ctx.storage, Math.min(...due));
    }
  };

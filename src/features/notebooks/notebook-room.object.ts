import { DurableObject } from "cloudflare:workers";
import { WATCHER_HEADER } from "#http/web-socket";
import type { Log } from "../../kernel/log.ts";
import {
  type ExecutionEnd,
  KERNEL_NAMES,
  type KernelName,
  type Kernels,
  type KernelWish,
} from "../../kernel/ports/kernels.ts";
import type { RoomRefusal, RoomState } from "../../kernel/ports/notebook-rooms.ts";
import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { CellOutputs } from "./cell-outputs.ts";
import { toOutput } from "./notebooks.schema.ts";
import { type ExecutionAnswer, type Job, RoomQueue } from "./room-queue.ts";
import type { RoomArchive } from "./room-archive.repo.ts";
import { endError, LOST } from "./room-errors.ts";
import { RoomKernel } from "./room-kernel.ts";
import { type Frame, RoomStore } from "./room-store.ts";
import { RoomWatchers } from "./room-watchers.ts";

export interface NotebookRoomPorts {
  archive: RoomArchive;
  kernels: Kernels;
  log: Log;
}

const TEND_EVERY_MS = 5_000;
const SEND_EVERY_MS = 20;

/**
 * The room of one notebook; see `NotebookRoomHandle` for what its methods promise. That a cell runs is noted here before
 * it is in the database, so that a room which wakes without it knows that it died with its predecessor.
 */
export const createNotebookRoom = <Env>(portsOf: (env: Env) => NotebookRoomPorts) =>
  class NotebookRoom extends DurableObject<Env> {
    readonly #ports = portsOf(this.env);
    readonly #id = this.ctx.id.name ?? "";
    readonly #store = new RoomStore(this.ctx.storage.sql);
    readonly #watchers = new RoomWatchers(
      (watcher) => this.ctx.getWebSockets(watcher),
      (socket) => this.ctx.getTags(socket)[0] as Watcher,
    );
    readonly #queue = new RoomQueue(() => this.#tell("queue", this.#line()));
    readonly #kernel = new RoomKernel(this.#ports.kernels, this.#store, (status, reason) =>
      this.#tell("kernel", { status, ...(reason !== undefined && { reason }) }),
    );
    #working: Promise<void> | undefined;
    #stopping = false;
    #starting: Promise<void> | undefined;
    /** What a cell came to could not be written down: the next alarm tries to. */
    #isOwing = false;
    #recovering: Promise<void> | undefined;

    constructor(ctx: DurableObjectState, env: Env) {
      super(ctx, env);
      ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
    }

    async execute(cellId: string, timeoutMs: number, userId: string): Promise<ExecutionAnswer> {
      await this.#recover();
      if (this.#stopping) return { ok: false, reason: "stopping" };
      if (this.#queue.has(cellId)) return { ok: false, reason: "cell_busy" };
      if (this.#queue.isFull) return { ok: false, reason: "queue_full" };
      return new Promise((answer) => this.#enqueue([{ cellId, timeoutMs, userId, ofAll: false, answer }]));
    }

    async start(timeoutMs: number, userId: string): Promise<{ ok: true } | RoomRefusal> {
      await this.#recover();
      // What is queued now would never be told that it has ended.
      if (this.#stopping) return { ok: false, reason: "stopping" };
      if (this.#queue.runsAll || this.#starting) return { ok: false, reason: "running" };
      this.#starting = this.#startAll(timeoutMs, userId).finally(() => (this.#starting = undefined));
      await this.#starting;
      return { ok: true };
    }

    async #startAll(timeoutMs: number, userId: string): Promise<void> {
      const cells = await this.#ports.archive.codeCells(this.#id);
      const answer = () => undefined;
      this.#store.set("busy", true);
      await this.#setStatus("running");
      // Some may have been put into the queue one by one meanwhile.
      const jobs = cells
        .filter((cellId) => !this.#queue.has(cellId))
        .map((cellId) => ({ cellId, timeoutMs, userId, ofAll: true, answer }));
      this.#enqueue(jobs);
      if (jobs.length === 0) await this.#setStatus("completed");
    }

    async stop(): Promise<boolean> {
      await this.#recover();
      // Else what is about to start would start after it was stopped.
      await this.#starting?.catch(() => undefined);
      if (this.#queue.isEmpty) return false;
      const ranAll = this.#queue.runsAll;
      this.#stopping = true;
      try {
        this.#queue.cancel(() => true);
        await this.#kernel.interrupt();
        await this.#working;
      } finally {
        this.#stopping = false;
      }
      if (ranAll) await this.#setStatus("stopped");
      return true;
    }

    async restart(): Promise<RoomState> {
      await this.stop();
      const wish = await this.#wish();
      if (wish) await this.#kernel.end(wish);
      return this.state();
    }

    async state(): Promise<RoomState> {
      const wish = await this.#wish();
      const kernel = wish && (await this.#kernel.status(wish));
      return { ...(kernel ?? { kernel: "none", implementation: null }), ...this.#line() };
    }

    async changed(): Promise<void> {
      this.#tell("changed", {});
    }

    async remove(ownerId: string): Promise<void> {
      await this.stop();
      // Its row is gone, and with it which kernel it had; a room that slept finds it by whose it was.
      await this.#kernel.end(...KERNEL_NAMES.map((name) => this.#wishFor(name, ownerId)));
      this.#watchers.dismiss();
      await this.ctx.storage.deleteAlarm();
      await this.ctx.storage.deleteAll();
      this.#store.createTables();
    }

    addTicket(hash: string, expiresAt: number, watcher: Watcher): void {
      this.#store.addTicket(hash, expiresAt, watcher);
    }

    redeemTicket(hash: string, now: number): Watcher | null {
      return this.#store.redeemTicket(hash, now);
    }

    /** Takes the upgrade of a watcher the Worker has let in; `?since=` replays from there. */
    override async fetch(request: Request): Promise<Response> {
      await this.#recover();
      const state = await this.state();
      const since = new URL(request.url).searchParams.get("since");
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server, [request.headers.get(WATCHER_HEADER) ?? ""]);
      const hello = { notebook_id: this.#id, ...state };
      this.#watchers.send({ type: "hello", seq: this.#store.lastSeq(), data: hello }, [server]);
      if (since !== null)
        for (const frame of this.#store.after(Number(since))) this.#watchers.send(frame, [server]);
      await this.#schedule();
      const protocol = request.headers.get("sec-websocket-protocol");
      return new Response(null, {
        status: 101,
        webSocket: client,
        ...(protocol && { headers: { "sec-websocket-protocol": protocol } }),
      });
    }

    override webSocketMessage(): void {
      // Watchers only listen.
    }

    override webSocketClose(): void {
      // The runtime answers a close by itself.
    }

    override async alarm(): Promise<void> {
      try {
        await this.#recover();
        await this.#watchers.check((all) => this.#ports.archive.stillMay(this.#id, all));
        await this.#checkRunners();
      } catch (error) {
        this.#ports.log("warn", "notebook.tend_failed", { notebook_id: this.#id, error });
      }
      await this.#schedule();
    }

    /** What somebody has run who may not any more ends, with the kernel: threads and children outlive an interrupt. */
    async #checkRunners(): Promise<void> {
      if (await this.#queue.mayGoOn((all) => this.#ports.archive.mayRun(this.#id, all))) return;
      this.#ports.log("info", "notebook.run_revoked", { notebook_id: this.#id });
      await this.restart();
    }

    /** While something runs it is looked after, so that whoever comes after a crash comes soon. */
    async #schedule(): Promise<void> {
      if (!this.#store.has("busy") && this.#watchers.isEmpty()) return;
      // One that is set stays: whoever keeps the room busy must not put off the looking after it.
      if ((await this.ctx.storage.getAlarm()) !== null) return;
      await this.ctx.storage.setAlarm(Date.now() + TEND_EVERY_MS);
    }

    async #wish(): Promise<KernelWish | undefined> {
      const notebook = await this.#ports.archive.find(this.#id);
      return notebook && this.#wishFor(notebook.kernel, notebook.ownerId);
    }

    #wishFor(name: KernelName, ownerId: string): KernelWish {
      return { name, notebookId: this.#id, ownerId, life: this.#store.life };
    }

    #line(): { running: string | null; queue: string[] } {
      return { running: this.#queue.running?.cellId ?? null, queue: this.#queue.cellIds };
    }

    #tell(type: Frame["type"], data: Frame["data"]): void {
      this.#watchers.send(this.#store.append(type, data));
    }

    async #setStatus(status: "running" | "completed" | "failed" | "stopped"): Promise<void> {
      await this.#ports.archive.setStatus(this.#id, status);
      this.#tell("status", { status });
    }

    /** What a predecessor of this object left as running died with it. */
    #recover(): Promise<void> {
      if (!this.#store.has("busy") || this.#working || this.#starting || !this.#queue.isEmpty)
        return Promise.resolve();
      this.#recovering ??= this.#declareDead().finally(() => (this.#recovering = undefined));
      return this.#recovering;
    }

    async #declareDead(): Promise<void> {
      await this.#ports.archive.recover(this.#id, LOST);
      this.#store.set("busy", false);
      this.#tell("changed", {});
    }

    #enqueue(jobs: Job[]): void {
      if (jobs.length === 0) return this.#store.set("busy", !this.#queue.isEmpty);
      this.#queue.add(jobs);
      this.#working ??= this.#work().finally(() => (this.#working = undefined));
    }

    async #work(): Promise<void> {
      this.#store.set("busy", true);
      await this.#schedule();
      for (let job = this.#queue.next(); job; job = this.#queue.next()) {
        const answer = await this.#perform(job);
        job.answer(answer);
        if (job.ofAll) await this.#afterOneOfAll(answer);
      }
      this.#store.set("busy", this.#isOwing);
      this.#isOwing = false;
    }

    /** Never throws: whoever waits gets an answer, and the queue goes on. */
    async #perform(job: Job): Promise<ExecutionAnswer> {
      try {
        return await this.#run(job);
      } catch (error) {
        this.#ports.log("error", "notebook.execution_failed", { notebook_id: this.#id, error });
        this.#isOwing = true;
        return { ok: false, reason: "kernel", message: "The platform failed to run the cell; try again." };
      }
    }

    async #afterOneOfAll(answer: ExecutionAnswer): Promise<void> {
      // A cell that was deleted meanwhile is no failure.
      const failed = answer.ok ? answer.status === "error" : answer.reason === "kernel";
      if (failed) this.#queue.cancel(({ ofAll }) => ofAll);
      if (this.#stopping || (!failed && this.#queue.moreOfAll)) return;
      try {
        await this.#setStatus(failed ? "failed" : "completed");
      } catch (error) {
        this.#ports.log("error", "notebook.status_lost", { notebook_id: this.#id, error });
        this.#isOwing = true;
      }
    }

    async #run({ cellId, timeoutMs }: Job): Promise<ExecutionAnswer> {
      const wish = await this.#wish();
      if (!wish) return { ok: false, reason: "notebook_not_found" };
      const kernel = await this.#kernel.ready(wish);
      if (typeof kernel === "string") return { ok: false, reason: "kernel", message: kernel };
      const begun = await this.#ports.archive.beginCell(this.#id, cellId);
      if (!begun) return { ok: false, reason: "cell_not_found" };
      const { source, executionCount } = begun;
      this.#tell("cell_started", { cell_id: cellId, execution_count: executionCount });
      const startedAt = Date.now();
      const outputs = new CellOutputs(executionCount);
      const send = () => this.#tellOutputs(cellId, outputs);
      const sending = setInterval(send, SEND_EVERY_MS);
      let end: ExecutionEnd = { status: "interrupted" };
      try {
        const execution = { cellId, source, timeoutMs };
        if (!this.#stopping) end = await this.#kernel.run(kernel, execution, (event) => outputs.add(event));
      } finally {
        clearInterval(sending);
      }
      if (end.status !== "ok" && end.status !== "error") outputs.add(endError(end));
      send();
      const status = end.status === "ok" ? ("completed" as const) : ("error" as const);
      await this.#ports.archive.endCell(this.#id, cellId, { status, outputs: outputs.all });
      const durationMs = Date.now() - startedAt;
      const done = { status, outputs: outputs.all, executionCount, durationMs } as const;
      this.#tell("cell_finished", {
        cell_id: cellId,
        status,
        execution_count: executionCount,
        duration_ms: durationMs,
      });
      return { ok: true, ...done, kernelStarted: kernel.started };
    }

    #tellOutputs(cellId: string, outputs: CellOutputs): void {
      for (const output of outputs.take())
        this.#tell("output", { cell_id: cellId, output: toOutput(output) });
    }
  };

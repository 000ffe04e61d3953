import type { Log } from "../../kernel/log.ts";
import type { Blobs } from "../../kernel/ports/blobs.ts";
import type {
  EndpointFigures,
  LoadReply,
  MinuteFigures,
  ModelFile,
  ModelRuntime,
  ModelSignature,
  PoolLimits,
  PoolStatus,
  PredictRefusal,
  PredictReply,
  Tensor,
} from "../../kernel/ports/model-pools.ts";
import { Batcher } from "./batcher.ts";
import { nextMinute } from "./minute-log.ts";
import { type Later, ModelLoader } from "./model-loader.ts";
import { PoolEndpoint } from "./pool-endpoint.ts";
import { PoolLedger } from "./pool-ledger.ts";
import type { PoolStore, StoredModel } from "./pool-store.ts";
import { checkInputs, commonRows, isRowWise } from "./tensor-check.ts";

export interface ModelPoolPorts {
  blobs: Pick<Blobs, "get">;
  runtime: ModelRuntime;
  /** Writes minutes down; the same minute may come again with higher counts. */
  recordMinutes(rows: MinuteFigures[]): Promise<void>;
  log: Log;
}

/** What the object around the pool lends it: the clock, timers and its one alarm. */
export interface PoolHost {
  now(): number;
  /** Whether `now` moves on while code runs. */
  isClockRunning: boolean;
  later: Later;
  /** Has `onAlarm` called at that time, even if the object is evicted meanwhile; replaces the last such wish. */
  wakeAt(at: number): void;
}

export const IDLE_MS = 300_000;
const DRAIN_MS = 10_000;
const RETRY_MS = 30_000;
/** The alarm comes a little after the minute, when its last calls are counted. */
const AFTER_MINUTE_MS = 500;
const MAX_ATTEMPTS = 3;

const refuse = (reason: PredictRefusal, message: string): PredictReply => ({ ok: false, reason, message });
const NOT_RUNNING = refuse("not_running", "The endpoint is not running.");

/** One model version being served: its endpoints and their calls. */
export class ServingPool {
  readonly #store: PoolStore;
  readonly #host: PoolHost;
  readonly #ports: ModelPoolPorts;
  readonly #loader: ModelLoader;
  readonly #batcher: Batcher;
  readonly #ledger: PoolLedger;
  readonly #endpoints = new Map<string, PoolEndpoint>();
  #model: StoredModel | undefined;
  #isRowWise = false;
  #lastUsedAt: number;
  #alarmAt: number | undefined;

  constructor(store: PoolStore, host: PoolHost, ports: ModelPoolPorts) {
    this.#store = store;
    this.#host = host;
    this.#ports = ports;
    this.#loader = new ModelLoader(ports.blobs, ports.runtime, host.later);
    this.#batcher = new Batcher({
      now: () => host.now(),
      soon: (work) => void host.later(0, work),
      run: (inputs) => this.#run(inputs),
    });
    this.#ledger = new PoolLedger(store, host, ports, this.#endpoints, () => this.#persisted());
    this.#lastUsedAt = store.lastUsedAt();
    this.#setModel(store.model());
    for (const [id, stored] of store.endpoints()) {
      this.#ledger.restore(id, stored);
      const { limits, figures } = stored;
      if (limits) this.#endpoints.set(id, new PoolEndpoint(limits, host.now(), figures ?? undefined));
    }
  }

  async start(endpointId: string, file: ModelFile, limits: PoolLimits): Promise<LoadReply> {
    const reply = await this.#load(file);
    if (!reply.ok) {
      await this.stop(endpointId);
      return reply;
    }
    this.#setModel({ file, signature: reply.signature });
    this.#store.saveModel({ file, signature: reply.signature });
    const endpoint = this.#endpoints.get(endpointId);
    if (endpoint) endpoint.limits = limits;
    else this.#endpoints.set(endpointId, new PoolEndpoint(limits, this.#host.now()));
    this.#ledger.saveEndpoint(endpointId);
    this.#lastUsedAt = this.#host.now();
    this.#ledger.persistSoon();
    return reply;
  }

  setLimits(endpointId: string, limits: PoolLimits): boolean {
    const endpoint = this.#endpoints.get(endpointId);
    if (!endpoint) return false;
    endpoint.limits = limits;
    this.#ledger.saveEndpoint(endpointId);
    return true;
  }

  async stop(endpointId: string): Promise<void> {
    const endpoint = this.#endpoints.get(endpointId);
    if (!endpoint) return;
    this.#endpoints.delete(endpointId);
    this.#ledger.saveEndpoint(endpointId);
    await this.#drain(endpoint);
    this.#ledger.tally();
    await this.#ledger.writeMinutes(true);
    if (this.#endpoints.size === 0) await this.#release();
    this.#wakeAt(nextMinute(this.#host.now()) + AFTER_MINUTE_MS);
  }

  /** Hands a call to the model. With the model in memory, nothing here reads storage or writes to it. */
  async predict(endpointId: string, inputs: Record<string, Tensor>): Promise<PredictReply> {
    const endpoint = this.#endpoints.get(endpointId);
    if (!endpoint || !this.#model) return NOT_RUNNING;
    if (!endpoint.admit()) {
      this.#ledger.count(endpointId, endpoint, "refused");
      return refuse("busy", `The endpoint has ${endpoint.inFlight} calls under way, as many as it may.`);
    }
    try {
      const fault = checkInputs(this.#model.signature, inputs);
      if (!fault) return await this.#submit(endpointId, endpoint, inputs);
      this.#ledger.count(endpointId, endpoint, "error");
      return refuse("invalid_input", fault);
    } finally {
      endpoint.leave();
    }
  }

  countInvalid(endpointId: string): void {
    const endpoint = this.#endpoints.get(endpointId);
    if (endpoint) this.#ledger.count(endpointId, endpoint, "error");
  }

  signature(): ModelSignature | null {
    return this.#model?.signature ?? null;
  }

  figures(endpointId: string): EndpointFigures | null {
    const endpoint = this.#endpoints.get(endpointId);
    return endpoint ? endpoint.figures.read(this.#host.now(), endpoint.inFlight) : null;
  }

  status(): PoolStatus {
    const endpoints = [...this.#endpoints.values()];
    const sum = (value: (endpoint: PoolEndpoint) => number) =>
      endpoints.reduce((total, endpoint) => total + value(endpoint), 0);
    const loaded = this.#isLoaded();
    return {
      loaded,
      sizeBytes: loaded ? this.#model!.file.sizeBytes : null,
      inFlight: sum(({ inFlight }) => inFlight),
      idleSeconds: Math.max(0, Math.floor((this.#host.now() - this.#lastUsedAt) / 1000)),
      requestsSuccess: sum(({ figures }) => figures.success),
      requestsError: sum(({ figures }) => figures.error),
      measured: sum(({ figures }) => figures.measured),
      sumMs: sum(({ figures }) => figures.sumMs),
    };
  }

  /** Writes past minutes down, lets go of a model nobody called for a while, and forgets what nobody needs. */
  async onAlarm(): Promise<void> {
    this.#alarmAt = undefined;
    const isWritten = await this.#ledger.writeMinutes(false);
    const now = this.#host.now();
    const idleAt = this.#lastUsedAt + IDLE_MS;
    if (now >= idleAt) await this.#release();
    if (!isWritten) this.#wakeAt(now + RETRY_MS);
    else if (!this.#ledger.isSettled()) this.#wakeAt(nextMinute(now) + AFTER_MINUTE_MS);
    else if (this.#isLoaded()) this.#wakeAt(idleAt);
    if (this.#ledger.forgetStopped()) this.#store.clear();
  }

  async #submit(
    endpointId: string,
    endpoint: PoolEndpoint,
    inputs: Record<string, Tensor>,
  ): Promise<PredictReply> {
    const arrivedAt = this.#host.now();
    const reply = await this.#batcher.submit({
      inputs,
      rows: this.#isRowWise ? commonRows(inputs) : undefined,
      maxRows: endpoint.limits.maxBatchRows,
      deadline: arrivedAt + endpoint.limits.timeoutMs,
    });
    this.#ledger.ended({ endpointId, endpoint, outcome: reply.ok ? "success" : "error", arrivedAt });
    return reply;
  }

  /** Runs inputs, after loading the model again if it was let go or pushed out. */
  async #run(inputs: Record<string, Tensor>): Promise<PredictReply> {
    const { file } = this.#model!;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      this.#lastUsedAt = this.#host.now();
      const reply = await this.#ports.runtime.run(file.versionId, inputs);
      if (reply.ok)
        return { ok: true, outputs: reply.outputs, computeMs: this.#host.now() - this.#lastUsedAt };
      if (reply.reason === "failed") return refuse("failed", reply.message);
      const loaded = await this.#load(file);
      if (!loaded.ok) return refuse("not_loadable", loaded.reason);
    }
    return refuse("not_loadable", "Other models keep pushing this one out of memory.");
  }

  async #load(file: ModelFile): Promise<LoadReply> {
    try {
      return await this.#loader.load(file);
    } catch (error) {
      this.#ports.log("error", "inference.load_failed", { version_id: file.versionId, error });
      return { ok: false, reason: "The model's file could not be read from storage." };
    }
  }

  async #release(): Promise<void> {
    if (this.#model) await this.#ports.runtime.release(this.#model.file.versionId);
  }

  #drain(endpoint: PoolEndpoint): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#host.later(DRAIN_MS, resolve);
      void endpoint.drained().then(cancel).then(resolve);
    });
  }

  #isLoaded(): boolean {
    return this.#model !== undefined && this.#ports.runtime.isLoaded(this.#model.file.versionId);
  }

  #setModel(model: StoredModel | undefined): void {
    this.#model = model;
    this.#isRowWise = model !== undefined && isRowWise(model.signature);
  }

  #persisted(): void {
    this.#store.saveLastUsedAt(this.#lastUsedAt);
    this.#wakeAt(nextMinute(this.#host.now()) + AFTER_MINUTE_MS);
  }

  /** Wakes up then at the latest. */
  #wakeAt(at: number): void {
    if (this.#alarmAt !== undefined && this.#alarmAt <= at && this.#alarmAt > this.#host.now()) return;
    this.#alarmAt = at;
    this.#host.wakeAt(at);
  }
}

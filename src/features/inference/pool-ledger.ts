import type { Log } from "../../kernel/log.ts";
import type { MinuteFigures } from "../../kernel/ports/model-pools.ts";
import type { Outcome } from "./figures.ts";
import { MinuteLog } from "./minute-log.ts";
import type { Later } from "./model-loader.ts";
import type { PoolEndpoint } from "./pool-endpoint.ts";
import type { PoolStore, StoredEndpoint } from "./pool-store.ts";

export interface LedgerHost {
  now(): number;
  /** Whether `now` moves on while code runs. */
  isClockRunning: boolean;
  later: Later;
}

export interface LedgerPorts {
  /** Writes minutes down; the same minute may come again with higher counts. */
  recordMinutes(rows: MinuteFigures[]): Promise<void>;
  log: Log;
}

interface Ended {
  endpointId: string;
  endpoint: PoolEndpoint;
  outcome: Outcome;
  arrivedAt: number;
}

const PERSIST_MS = 1_000;

/**
 * Counts what happens to the endpoints of a pool. Nothing is stored on a call's way: what changed is saved once a second,
 * and minutes are written down by the alarm.
 */
export class PoolLedger {
  readonly #store: PoolStore;
  readonly #host: LedgerHost;
  readonly #ports: LedgerPorts;
  readonly #endpoints: ReadonlyMap<string, PoolEndpoint>;
  readonly #minutes = new Map<string, MinuteLog>();
  readonly #onPersist: () => void;
  #ended: Ended[] = [];
  #isPersistDue = false;

  /** `onPersist` is told whenever changes are being saved. */
  constructor(
    store: PoolStore,
    host: LedgerHost,
    ports: LedgerPorts,
    endpoints: ReadonlyMap<string, PoolEndpoint>,
    onPersist: () => void,
  ) {
    this.#store = store;
    this.#host = host;
    this.#ports = ports;
    this.#endpoints = endpoints;
    this.#onPersist = onPersist;
  }

  restore(endpointId: string, { minutes }: StoredEndpoint): void {
    this.#minutes.set(endpointId, new MinuteLog(endpointId, minutes));
  }

  /** Stores an endpoint as it is now, durably, whether it is started or stopped. */
  saveEndpoint(endpointId: string): void {
    if (!this.#minutes.has(endpointId)) this.#minutes.set(endpointId, new MinuteLog(endpointId));
    this.#store.saveEndpoint(endpointId, this.#stored(endpointId));
  }

  /** Counts a call that never reached the model. */
  count(endpointId: string, endpoint: PoolEndpoint, outcome: Outcome): void {
    this.#record(endpointId, endpoint, outcome, null);
  }

  /**
   * Counts a call that ran, and for how long. Where the clock stands still while code runs, the end of a run can only be
   * timed in the next turn.
   */
  ended(call: Ended): void {
    this.#ended.push(call);
    if (this.#host.isClockRunning) this.tally();
    else if (this.#ended.length === 1) this.#host.later(0, () => this.tally());
  }

  /** Counts the calls that ended and are not counted yet. */
  tally(): void {
    const now = this.#host.now();
    for (const { endpointId, endpoint, outcome, arrivedAt } of this.#ended.splice(0)) {
      this.#record(endpointId, endpoint, outcome, Math.max(0, now - arrivedAt));
    }
  }

  persistSoon(): void {
    if (this.#isPersistDue) return;
    this.#isPersistDue = true;
    this.#host.later(PERSIST_MS, () => this.#persist());
  }

  /** Writes minutes down; tells whether all that was due is written. What is not stays for the next time. */
  async writeMinutes(evenUnfinished: boolean): Promise<boolean> {
    const now = this.#host.now();
    const rows = [...this.#minutes.values()].flatMap((minutes) => minutes.due(now, evenUnfinished));
    if (rows.length === 0) return true;
    try {
      await this.#ports.recordMinutes(rows);
    } catch (error) {
      this.#ports.log("warn", "inference.minutes_not_written", { rows: rows.length, error });
      return false;
    }
    for (const [id, minutes] of this.#minutes) minutes.written(rows.filter((row) => row.endpointId === id));
    this.#saveAll();
    return true;
  }

  /** Whether every minute is over and written. */
  isSettled(): boolean {
    const now = this.#host.now();
    return [...this.#minutes.values()].every((minutes) => minutes.isSettled(now));
  }

  /** Drops stopped endpoints of which nothing is left to write; tells whether the ledger is empty now. */
  forgetStopped(): boolean {
    const now = this.#host.now();
    for (const [id, minutes] of this.#minutes) {
      if (this.#endpoints.has(id) || !minutes.isSettled(now)) continue;
      this.#minutes.delete(id);
      this.#store.removeEndpoint(id);
    }
    return this.#minutes.size === 0;
  }

  #record(endpointId: string, endpoint: PoolEndpoint, outcome: Outcome, latencyMs: number | null): void {
    const now = this.#host.now();
    endpoint.figures.record(outcome, latencyMs, now);
    this.#minutes.get(endpointId)?.record(outcome, latencyMs, now);
    this.persistSoon();
  }

  #persist(): void {
    this.#isPersistDue = false;
    this.#saveAll();
    this.#onPersist();
  }

  #saveAll(): void {
    for (const id of this.#minutes.keys()) this.#store.saveFigures(id, this.#stored(id));
  }

  #stored(endpointId: string): StoredEndpoint {
    const endpoint = this.#endpoints.get(endpointId);
    return {
      limits: endpoint?.limits ?? null,
      figures: endpoint?.figures.dump() ?? null,
      minutes: this.#minutes.get(endpointId)!.dump(),
    };
  }
}

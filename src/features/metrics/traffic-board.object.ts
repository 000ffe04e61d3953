import { DurableObject } from "cloudflare:workers";
import type { TrafficBatch, TrafficBoard, TrafficTotals } from "../../kernel/ports/traffic-board.ts";
import { type StoredTraffic, TrafficSums } from "./traffic-totals.ts";

const STORED = "traffic";
const SAVE_DELAY_MS = 5_000;

/**
 * The class of the one object that adds up what all isolates count. It writes itself down at most every five seconds, and
 * before it tells its totals: a crash costs at most what came since and nobody was told of, so that no counter is ever
 * seen to go back, which would pass for a restart from zero.
 */
export const createTrafficBoard = <Env>() =>
  class TrafficBoardObject extends DurableObject<Env> implements TrafficBoard {
    readonly #sums: TrafficSums;
    #isSaving = false;
    #isSaved = true;

    constructor(state: DurableObjectState, env: Env) {
      super(state, env);
      this.#sums = new TrafficSums(Date.now(), state.storage.kv.get<StoredTraffic>(STORED));
    }

    async add(batch: TrafficBatch): Promise<void> {
      if (!this.#sums.add(batch, Date.now())) return;
      this.#isSaved = false;
      if (this.#isSaving) return;
      this.#isSaving = true;
      setTimeout(() => {
        this.#isSaving = false;
        this.#save();
      }, SAVE_DELAY_MS);
    }

    async read(): Promise<TrafficTotals> {
      // The answer leaves when the write is on the disk.
      this.#save();
      return this.#sums.totals(Date.now());
    }

    #save(): void {
      if (this.#isSaved) return;
      this.#isSaved = true;
      this.ctx.storage.kv.put(STORED, this.#sums.dump(Date.now()));
    }
  };

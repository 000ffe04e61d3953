import { DurableObject } from "cloudflare:workers";
import type { Limiter, LimitReply, LimitRule } from "../../kernel/ports/limiter.ts";
import { SlidingWindows, type WindowCount } from "../../kernel/sliding-window.ts";

// Some 150 bytes each, in memory and in the one stored value.
const MAX_KEYS = 2_000;
const SAVE_DELAY_MS = 1_000;
const STORED = "counts";

/**
 * The class of the objects that count uses for one shard of all keys each. Counts live in memory and are written down
 * together, at most once a second and not before an answer: idling and eviction lose nothing, a crash or a deployment at
 * most the last second.
 */
export const createRateWindow = <Env>() =>
  class RateWindow extends DurableObject<Env> implements Limiter {
    readonly #windows: SlidingWindows;
    #isSaving = false;

    constructor(state: DurableObjectState, env: Env) {
      super(state, env);
      const counts = state.storage.kv.get<[string, WindowCount][]>(STORED);
      this.#windows = new SlidingWindows(MAX_KEYS, counts);
    }

    async take(key: string, rule: LimitRule, uses?: number): Promise<LimitReply> {
      const reply = this.#windows.take(key, rule, Date.now(), uses);
      if (reply.allowed) this.#saveSoon();
      return reply;
    }

    #saveSoon(): void {
      if (this.#isSaving) return;
      this.#isSaving = true;
      setTimeout(() => {
        this.#isSaving = false;
        this.#save();
      }, SAVE_DELAY_MS);
    }

    #save(): void {
      const { storage } = this.ctx;
      const emptyAt = this.#windows.sweep(Date.now());
      if (emptyAt === undefined) return void storage.deleteAll();
      const unhurried = { allowUnconfirmed: true };
      void storage.put(STORED, this.#windows.entries(), unhurried);
      void storage.setAlarm(emptyAt, unhurried);
    }

    /** Clears up once nothing counts any more. */
    override alarm(): void {
      this.#save();
    }
  };

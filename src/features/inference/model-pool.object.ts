import { DurableObject } from "cloudflare:workers";
import type {
  EndpointFigures,
  LoadReply,
  ModelFile,
  ModelPoolHandle,
  ModelSignature,
  PoolLimits,
  PoolStatus,
  PredictReply,
  Tensor,
} from "../../kernel/ports/model-pools.ts";
import { isRunning } from "../../kernel/running-clock.ts";
import { createPoolStore } from "./pool-storage.ts";
import { type ModelPoolPorts, ServingPool } from "./serving-pool.ts";

// Looked at once per isolate; not while the module loads, when every clock stands still.
let isClockRunning: boolean | undefined;

/**
 * The class of the objects that serve one model version each, named by its id. Sessions live in the runtime, not in the
 * object, so eviction costs nothing but the queue, which is empty by then.
 */
export const createModelPool = <Env>(portsOf: (env: Env) => ModelPoolPorts) =>
  class ModelPool extends DurableObject<Env> implements ModelPoolHandle {
    readonly #pool: ServingPool;

    constructor(state: DurableObjectState, env: Env) {
      super(state, env);
      const host = {
        now: Date.now,
        isClockRunning: (isClockRunning ??= isRunning(Date.now)),
        later: (ms: number, work: () => void) => {
          const timer = setTimeout(work, ms);
          return () => clearTimeout(timer);
        },
        wakeAt: (at: number) => void state.storage.setAlarm(at, { allowUnconfirmed: true }),
      };
      this.#pool = new ServingPool(createPoolStore(state.storage), host, portsOf(env));
    }

    start(endpointId: string, file: ModelFile, limits: PoolLimits): Promise<LoadReply> {
      return this.#pool.start(endpointId, file, limits);
    }

    async setLimits(endpointId: string, limits: PoolLimits): Promise<boolean> {
      return this.#pool.setLimits(endpointId, limits);
    }

    stop(endpointId: string): Promise<void> {
      return this.#pool.stop(endpointId);
    }

    predict(endpointId: string, inputs: Record<string, Tensor>): Promise<PredictReply> {
      return this.#pool.predict(endpointId, inputs);
    }

    async countInvalid(endpointId: string): Promise<void> {
      this.#pool.countInvalid(endpointId);
    }

    async signature(): Promise<ModelSignature | null> {
      return this.#pool.signature();
    }

    async figures(endpointId: string): Promise<EndpointFigures | null> {
      return this.#pool.figures(endpointId);
    }

    async status(): Promise<PoolStatus> {
      return this.#pool.status();
    }

    override alarm(): Promise<void> {
      return this.#pool.onAlarm();
    }
  };

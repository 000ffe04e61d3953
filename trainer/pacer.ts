import { setImmediate } from "node:timers/promises";

const SLICE_MS = 20;

/** Lets long calculations hand the event loop its turn, so that signals and streams are served meanwhile. */
export interface Pacer {
  /** True once the current slice of about 20 ms is used up: then await `rest()`. */
  due(): boolean;
  rest(): Promise<void>;
}

export function createPacer(): Pacer {
  let started = performance.now();
  return {
    due: () => performance.now() - started > SLICE_MS,
    rest: async () => {
      await setImmediate();
      started = performance.now();
    },
  };
}

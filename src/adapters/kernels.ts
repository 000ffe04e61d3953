import type { KernelName, Kernels } from "../kernel/ports/kernels.ts";

/** Kernels by name. */
export const createKernels = (byName: Record<KernelName, Kernels>): Kernels => ({
  find: (wish) => byName[wish.name].find(wish),
  start: (wish, asking) => byName[wish.name].start(wish, asking),
  end: (wish, places) => byName[wish.name].end(wish, places),
});

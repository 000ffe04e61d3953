import type { KernelName, Kernels } from "../kernel/ports/kernels.ts";

/** Kernels by name. */
export const createKernels = (byName: Record<KernelName, Kernels>): Kernels => ({
  find: (wish) => byName[wish.name].find(wish),
  start: (wish) => byName[wish.name].start(wish),
});

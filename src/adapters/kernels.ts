import type { KernelName, Kernels } from "../kernel/ports/kernels.ts";

/** Kernels by name; of those nothing here runs, a start says so. */
export const createKernels = (byName: Partial<Record<KernelName, Kernels>>): Kernels => ({
  find: async (wish) => byName[wish.name]?.find(wish),
  async start(wish) {
    const kernels = byName[wish.name];
    return kernels
      ? kernels.start(wish)
      : { ok: false, reason: `No ${wish.name} kernel is there now: it takes an agent.` };
  },
});

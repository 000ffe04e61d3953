/**
 * What this machine has and does: a sample a second, its processes, its benchmark. Answers to the commands `system.*`.
 */
import type { Host, Work } from "../../src/kernel/agent-protocol.ts";
import { SystemCommand } from "../../src/kernel/system-sample.ts";
import { Benchmark } from "./benchmark/benchmark.ts";
import { Gpus } from "./gpus.ts";
import { readHost } from "./host.ts";
import { ProcessWatch } from "./process-watch.ts";
import { Sampler } from "./sampler.ts";

const gpus = new Gpus();

/** The machine, as the agent introduces itself. */
export const describeHost = (): Promise<Host> => readHost(gpus);

export interface SystemWatch {
  /** Does nothing until it is started. */
  sampler: Sampler;
  commands: Record<string, (args: unknown, signal: AbortSignal) => Promise<unknown>>;
  work(): Work[];
}

/** All that the agent says of its machine. `directory` is where the benchmark may write. */
export function watchSystem(directory: string, log: (text: string) => void): SystemWatch {
  const sampler = new Sampler({ gpus, log });
  const benchmark = new Benchmark(directory);
  const processes = new ProcessWatch();
  return {
    sampler,
    commands: {
      [SystemCommand.sample.name]: async () => sampler.latest(),
      [SystemCommand.history.name]: async () => ({ samples: sampler.history() }),
      [SystemCommand.processes.name]: () => processes.report(),
      [SystemCommand.benchmark.name]: (_args, signal) => benchmark.run(signal),
    },
    work: () => benchmark.work(),
  };
}

import { z } from "zod";

/** What agents say of their machines. An agent is somebody's program: what does not fit these shapes counts as unsaid. */

const text = (max: number) => z.string().max(max);
const amount = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const known = amount.nullable();
const percent = z.number().min(0).max(100).nullable();

/** A GPU as `nvidia-smi` or `rocm-smi` sees it, or as the host lists it; what neither tells is `null`. */
export const GpuSample = z.object({
  name: text(200),
  vendor: text(100).nullable(),
  driver: text(100).nullable(),
  /** How it is reached: `CUDA`, `ROCm`, or `null` where nothing here drives it. */
  backend: text(50).nullable(),
  memory_total_bytes: known,
  memory_used_bytes: known,
  utilization_percent: percent,
  temperature_c: z.number().min(-273).max(1000).nullable(),
  power_watts: known,
});
export type GpuSample = z.infer<typeof GpuSample>;

export const FileSystemSample = z.object({
  device: text(500),
  mount: text(500),
  type: text(100),
  total_bytes: amount,
  used_bytes: amount,
});
export type FileSystemSample = z.infer<typeof FileSystemSample>;

/** A machine at one moment. Percents are 0–100, rates bytes per second since the sample before. */
export const Sample = z.object({
  /** RFC 3339, by the agent's own clock. */
  at: z.iso.datetime({ offset: true }),
  cpu: z.object({ percent, per_core: z.array(percent).max(4096) }),
  memory: z.object({
    total_bytes: amount,
    /** Total less available: what could not be given to a new program. */
    used_bytes: amount,
    available_bytes: amount,
    swap_total_bytes: amount,
    swap_used_bytes: amount,
  }),
  /** One entry per device, however often it is mounted. */
  file_systems: z.array(FileSystemSample).max(500).nullable(),
  /** Of whole disks, not of their partitions or what is layered on them. */
  disk_io: z.object({ read_bytes_per_second: known, write_bytes_per_second: known }),
  /** Of the hardware's interfaces; totals since the host started. */
  network: z.object({
    rx_bytes: known,
    tx_bytes: known,
    rx_bytes_per_second: known,
    tx_bytes_per_second: known,
  }),
  /** Over 1, 5 and 15 minutes; `null` where the system keeps none. */
  load: z.tuple([amount, amount, amount]).nullable(),
  process_count: known,
  uptime_seconds: amount,
  gpus: z.array(GpuSample).max(64),
});
export type Sample = z.infer<typeof Sample>;

/** The answer to `system.history`: at most a minute, a sample a second, oldest first. */
export const SampleHistory = z.object({ samples: z.array(Sample).max(120) });
export type SampleHistory = z.infer<typeof SampleHistory>;

export const ProcessSample = z.object({
  pid: z.number().int().min(0),
  name: text(300),
  /** Of all CPUs together, over about a second. */
  cpu_percent: z.number().min(0).max(100),
  memory_bytes: amount,
  runtime_seconds: amount,
});
export type ProcessSample = z.infer<typeof ProcessSample>;

/** The answer to `system.processes`: those that use memory of their own, the busiest first. */
export const ProcessReport = z.object({
  at: z.iso.datetime({ offset: true }),
  processes: z.array(ProcessSample).max(2000),
  /** How many there were; more than `processes` holds when it was cut. */
  total: z.number().int().min(0),
});
export type ProcessReport = z.infer<typeof ProcessReport>;

/** One thing a benchmark measured: the median of `runs`, or why there is none. */
export const BenchmarkFigure = z.object({
  name: text(100),
  value: z.number().min(0).nullable(),
  unit: text(20),
  /** What was done, how large, and what the figure leaves out. */
  method: text(500),
  runs: z.array(z.number()).max(100),
  reason: text(500).nullable(),
});
export type BenchmarkFigure = z.infer<typeof BenchmarkFigure>;

/** The answer to `system.benchmark`, which is refused with `BENCHMARK_BUSY` while another one runs on that agent. */
export const BenchmarkReport = z.object({
  at: z.iso.datetime({ offset: true }),
  duration_ms: amount,
  figures: z.array(BenchmarkFigure).max(100),
});
export type BenchmarkReport = z.infer<typeof BenchmarkReport>;

/** Commands an agent takes, and how long their answers may take. */
export const SystemCommand = {
  sample: { name: "system.sample", timeoutMs: 5_000 },
  history: { name: "system.history", timeoutMs: 5_000 },
  processes: { name: "system.processes", timeoutMs: 15_000 },
  benchmark: { name: "system.benchmark", timeoutMs: 30_000 },
} as const;

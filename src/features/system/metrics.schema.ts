import { Timestamp, z } from "#http/contract";
import type { GpuSample, Sample } from "../../kernel/system-sample.ts";
import { largestOf, percentOf, sumOf, weightedMean } from "./aggregate.ts";
import type { Asked, Member } from "./fleet.service.ts";
import { bytes, bytesPerSecond, MemberBase, measuredAt, percent, toMemberBase } from "./member.schema.ts";

const MIB = 1_048_576;

const GpuMetrics = z
  .object({
    id: z.number().int().openapi({ description: "Place in this list." }),
    agent_id: z.uuid(),
    name: z.string(),
    utilization_percent: percent,
    memory_used_mb: z.number().nullable().openapi({ description: "MiB." }),
    memory_total_mb: z.number().nullable().openapi({ description: "MiB." }),
    temperature_c: z.number().nullable(),
    power_watts: z.number().nullable(),
  })
  .openapi("GpuMetrics");
type GpuMetrics = z.infer<typeof GpuMetrics>;

const Figures = z.object({
  cpu_usage_percent: percent.openapi({
    description: "0–100; of several agents the mean, weighted by cores.",
  }),
  cpu_per_core: z.array(percent),
  memory_used_bytes: bytes.openapi({ description: "Total less available." }),
  memory_total_bytes: bytes,
  memory_available_bytes: bytes,
  memory_percent: percent,
  swap_used_bytes: bytes,
  swap_total_bytes: bytes,
  disk_used_bytes: bytes.openapi({ description: "Of every device once, however often it is mounted." }),
  disk_total_bytes: bytes,
  disk_percent: percent,
  disk_read_bytes_per_second: bytesPerSecond,
  disk_write_bytes_per_second: bytesPerSecond,
  network_rx_bytes: bytes.openapi({ description: "Since the host started." }),
  network_tx_bytes: bytes.openapi({ description: "Since the host started." }),
  network_rx_bytes_per_second: bytesPerSecond,
  network_tx_bytes_per_second: bytesPerSecond,
  process_count: z.number().int().nullable(),
  uptime_seconds: z
    .number()
    .nullable()
    .openapi({ description: "Of the host; of several, the one up longest." }),
  load_avg_1m: z.number().nullable().openapi({ description: "Of several agents the sum." }),
  load_avg_5m: z.number().nullable(),
  load_avg_15m: z.number().nullable(),
  gpu_metrics: z.array(GpuMetrics),
});
type Figures = z.infer<typeof Figures>;

const AgentMetrics = MemberBase.extend(Figures.shape)
  .extend({
    sampled_at: Timestamp.nullable().openapi({
      description: "By our clock, as far as the agent's is known; never later than `timestamp`.",
    }),
    file_systems: z
      .array(
        z.object({
          device: z.string(),
          mount: z.string(),
          type: z.string(),
          total_bytes: z.number(),
          used_bytes: z.number(),
        }),
      )
      .nullable(),
  })
  .openapi("AgentSystemMetrics");

export const SystemMetrics = Figures.extend({
  timestamp: Timestamp,
  agents_connected: z.number().int(),
  agents: z.array(AgentMetrics),
}).openapi("SystemMetrics", {
  description:
    "Measured on agents. Bytes, rates, counts and loads of several are summed over those that tell; what nobody tells is null.",
});
export type SystemMetrics = z.infer<typeof SystemMetrics>;

const mebibytes = (value: number | null) => (value === null ? null : Math.round(value / MIB));

export const toGpuMetrics = (gpu: GpuSample, agentId: string, id: number): GpuMetrics => ({
  id,
  agent_id: agentId,
  name: gpu.name,
  utilization_percent: gpu.utilization_percent,
  memory_used_mb: mebibytes(gpu.memory_used_bytes),
  memory_total_mb: mebibytes(gpu.memory_total_bytes),
  temperature_c: gpu.temperature_c,
  power_watts: gpu.power_watts,
});

export interface Sampled {
  member: Member;
  asked: Asked<Sample | null>;
}

const sampleOf = ({ asked }: Sampled): Sample[] => (asked.ok && asked.value ? [asked.value] : []);

const diskBytes = ({ file_systems }: Sample, of: "used_bytes" | "total_bytes") =>
  file_systems && sumOf(file_systems.map((one) => one[of]));

/** The figures of any number of machines taken together; of one, its own. */
function together(sampled: Sampled[]): Figures {
  const samples = sampled.flatMap(sampleOf);
  const sum = (of: (sample: Sample) => number | null) => sumOf(samples.map(of));
  const [used, total] = [sum((s) => s.memory.used_bytes), sum((s) => s.memory.total_bytes)];
  const [diskUsed, diskTotal] = [
    sum((s) => diskBytes(s, "used_bytes")),
    sum((s) => diskBytes(s, "total_bytes")),
  ];
  const gpus = sampled.flatMap((one) =>
    sampleOf(one).flatMap((sample) => sample.gpus.map((gpu) => ({ gpu, agentId: one.member.agent.id }))),
  );
  return {
    cpu_usage_percent: weightedMean(
      samples.map(({ cpu }) => ({ value: cpu.percent, weight: cpu.per_core.length })),
    ),
    cpu_per_core: samples.flatMap(({ cpu }) => cpu.per_core),
    memory_used_bytes: used,
    memory_total_bytes: total,
    memory_available_bytes: sum((s) => s.memory.available_bytes),
    memory_percent: percentOf(used, total),
    swap_used_bytes: sum((s) => s.memory.swap_used_bytes),
    swap_total_bytes: sum((s) => s.memory.swap_total_bytes),
    disk_used_bytes: diskUsed,
    disk_total_bytes: diskTotal,
    disk_percent: percentOf(diskUsed, diskTotal),
    disk_read_bytes_per_second: sum((s) => s.disk_io.read_bytes_per_second),
    disk_write_bytes_per_second: sum((s) => s.disk_io.write_bytes_per_second),
    network_rx_bytes: sum((s) => s.network.rx_bytes),
    network_tx_bytes: sum((s) => s.network.tx_bytes),
    network_rx_bytes_per_second: sum((s) => s.network.rx_bytes_per_second),
    network_tx_bytes_per_second: sum((s) => s.network.tx_bytes_per_second),
    process_count: sum((s) => s.process_count),
    uptime_seconds: largestOf(samples.map((s) => s.uptime_seconds)),
    load_avg_1m: sum((s) => s.load?.[0] ?? null),
    load_avg_5m: sum((s) => s.load?.[1] ?? null),
    load_avg_15m: sum((s) => s.load?.[2] ?? null),
    gpu_metrics: gpus.map(({ gpu, agentId }, id) => toGpuMetrics(gpu, agentId, id)),
  };
}

export function toSystemMetrics(sampled: Sampled[], now: Date): SystemMetrics {
  return {
    timestamp: now.toISOString(),
    agents_connected: sampled.filter(({ member }) => member.status?.connected).length,
    ...together(sampled),
    agents: sampled.map((one) => {
      const [sample] = sampleOf(one);
      return {
        ...toMemberBase(one.member, one.asked),
        sampled_at: sample ? measuredAt(sample.at, one.member, now) : null,
        ...together([one]),
        file_systems: sample?.file_systems ?? null,
      };
    }),
  };
}

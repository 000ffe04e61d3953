import { z } from "#http/contract";
import { sumOf } from "./aggregate.ts";
import { bytes, MemberBase, percent, toMemberBase } from "./member.schema.ts";
import type { Sampled } from "./metrics.schema.ts";

const GpuInfo = z
  .object({
    id: z.number().int().openapi({ description: "Place in this list." }),
    agent_id: z.uuid(),
    agent_name: z.string(),
    name: z.string(),
    vendor: z.string().nullable(),
    driver: z.string().nullable(),
    device_type: z.null().openapi({ description: "Discrete or integrated is not what drivers tell." }),
    backend: z
      .string()
      .nullable()
      .openapi({ description: "`CUDA` or `ROCm`, where the maker's driver answers." }),
    memory_total: bytes,
    memory_used: bytes,
    utilization_percent: percent,
    temperature_c: z.number().nullable(),
    power_watts: z.number().nullable(),
    is_available: z.boolean().openapi({ description: "Its driver answers, and its agent is connected." }),
  })
  .openapi("GpuInfo");

export const SystemGpus = z
  .object({
    gpus: z.array(GpuInfo),
    cuda_available: z
      .boolean()
      .nullable()
      .openapi({ description: "Whether an NVIDIA driver answers somewhere; null when no agent tells." }),
    total_gpu_memory: bytes.openapi({ description: "Bytes, of those that tell; null when no agent does." }),
    agents: z.array(MemberBase.extend({ gpu_count: z.number().int().nullable() }).openapi("AgentGpus")),
  })
  .openapi("SystemGpus");
export type SystemGpus = z.infer<typeof SystemGpus>;

const cardsOf = ({ asked }: Sampled) => (asked.ok && asked.value ? asked.value.gpus : null);

export function toSystemGpus(sampled: Sampled[]): SystemGpus {
  const telling = sampled.filter((one) => cardsOf(one) !== null);
  const gpus = telling
    .flatMap((one) => cardsOf(one)!.map((gpu) => ({ gpu, agent: one.member.agent })))
    .map(({ gpu, agent }, id) => ({
      id,
      agent_id: agent.id,
      agent_name: agent.name,
      name: gpu.name,
      vendor: gpu.vendor,
      driver: gpu.driver,
      device_type: null,
      backend: gpu.backend,
      memory_total: gpu.memory_total_bytes,
      memory_used: gpu.memory_used_bytes,
      utilization_percent: gpu.utilization_percent,
      temperature_c: gpu.temperature_c,
      power_watts: gpu.power_watts,
      is_available: gpu.backend !== null,
    }));
  const isTold = telling.length > 0;
  return {
    gpus,
    cuda_available: isTold ? gpus.some(({ backend }) => backend === "CUDA") : null,
    total_gpu_memory: isTold && gpus.length === 0 ? 0 : sumOf(gpus.map(({ memory_total }) => memory_total)),
    agents: sampled.map((one) => ({
      ...toMemberBase(one.member, one.asked),
      gpu_count: cardsOf(one)?.length ?? null,
    })),
  };
}

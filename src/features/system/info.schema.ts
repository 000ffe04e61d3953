import { z } from "#http/contract";
import { VERSION } from "../../kernel/version.ts";
import { inCommon, sumOf } from "./aggregate.ts";
import { bytes, MemberBase, toMemberBase } from "./member.schema.ts";
import type { Sampled } from "./metrics.schema.ts";

const AgentInfo = MemberBase.extend({
  state: z.enum(["starting", "running", "draining", "stopped", "failed"]).nullable(),
  version: z.string().nullable().openapi({ description: "Of the agent's program." }),
  hostname: z.string().nullable(),
  os: z.string().nullable(),
  platform: z.string().nullable(),
  arch: z.string().nullable(),
  cpu_model: z.string().nullable(),
  cpu_count: z.number().int().nullable(),
  physical_cpu_count: z.number().int().nullable(),
  total_memory_bytes: bytes,
  available_memory_bytes: bytes,
  limits: z
    .object({ cpus: z.number().nullable(), memory_bytes: z.number().nullable() })
    .nullable()
    .openapi({ description: "What a container lets the agent have; null inside where it sets no limit." }),
  gpu_count: z.number().int().nullable(),
  capabilities: z.array(z.string()),
  labels: z.array(z.string()),
}).openapi("AgentSystemInfo");
type AgentInfo = z.infer<typeof AgentInfo>;

export const SystemInfo = z
  .object({
    platform: z
      .string()
      .nullable()
      .openapi({ description: "Of the connected agents; null when they differ." }),
    arch: z.string().nullable().openapi({ description: "Likewise." }),
    cpu_count: z.number().int().nullable().openapi({ description: "Logical CPUs of all connected agents." }),
    total_memory_bytes: bytes,
    available_memory_bytes: bytes,
    version: z.string().openapi({ description: "Of this server." }),
    axonml_version: z.string().openapi({ description: "The same, as programs of AxonML look for it." }),
    rust_version: z.null().openapi({ description: "No Rust compiler made this server." }),
    agents_connected: z.number().int(),
    agents: z.array(AgentInfo),
  })
  .openapi("SystemInfo");
export type SystemInfo = z.infer<typeof SystemInfo>;

function toAgentInfo({ member, asked }: Sampled): AgentInfo {
  const { status } = member;
  const host = status?.host;
  return {
    ...toMemberBase(member, asked),
    state: status?.state ?? null,
    version: status?.version ?? null,
    hostname: host?.hostname ?? null,
    os: host?.os ?? null,
    platform: host?.platform ?? null,
    arch: host?.arch ?? null,
    cpu_model: host?.cpu_model ?? null,
    cpu_count: host?.cpus ?? null,
    physical_cpu_count: host?.physical_cpus ?? null,
    total_memory_bytes: host?.memory_bytes ?? null,
    available_memory_bytes: asked.ok ? (asked.value?.memory.available_bytes ?? null) : null,
    limits: host?.limits ?? null,
    gpu_count: host?.gpus.length ?? null,
    capabilities: status?.capabilities ?? [],
    labels: status?.labels ?? [],
  };
}

export function toSystemInfo(sampled: Sampled[]): SystemInfo {
  const agents = sampled.map(toAgentInfo);
  const connected = agents.filter((agent) => agent.connected);
  return {
    platform: inCommon(connected.map(({ platform }) => platform)),
    arch: inCommon(connected.map(({ arch }) => arch)),
    cpu_count: sumOf(connected.map(({ cpu_count }) => cpu_count)),
    total_memory_bytes: sumOf(connected.map(({ total_memory_bytes }) => total_memory_bytes)),
    available_memory_bytes: sumOf(connected.map(({ available_memory_bytes }) => available_memory_bytes)),
    version: VERSION,
    axonml_version: VERSION,
    rust_version: null,
    agents_connected: connected.length,
    agents,
  };
}

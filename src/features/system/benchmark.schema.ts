import { Timestamp, z } from "#http/contract";
import type { BenchmarkFigure, BenchmarkReport } from "../../kernel/system-sample.ts";
import type { Asked, Member } from "./fleet.service.ts";
import { MemberBase, toMemberBase } from "./member.schema.ts";

const MEBIBYTE = 1_048_576;

const Figure = z
  .object({
    name: z.string(),
    value: z.number().nullable().openapi({ description: "The median of `runs`." }),
    unit: z.string(),
    method: z.string(),
    runs: z.array(z.number()),
    reason: z.string().nullable().openapi({ description: "Why there is no value." }),
  })
  .openapi("BenchmarkFigure");

const milliseconds = z.number().nullable().openapi({ description: "Milliseconds." });
const bandwidth = z.string().nullable().openapi({ description: "With its unit.", example: "12.34 GB/s" });

const Result = z
  .object({
    agent_id: z.uuid(),
    agent_name: z.string(),
    device: z.literal("cpu").openapi({ description: "GPUs are not measured." }),
    gpu_id: z.null(),
    gpu_name: z.null(),
    buffer_copy_1mb_ms: milliseconds,
    buffer_copy_16mb_ms: milliseconds,
    buffer_copy_64mb_ms: milliseconds,
    compute_dispatch_ms: milliseconds.openapi({ description: "Sum of two arrays of 1,048,576 float32." }),
    effective_bandwidth_1mb: bandwidth,
    effective_bandwidth_16mb: bandwidth,
    effective_bandwidth_64mb: bandwidth,
    duration_ms: z.number(),
    measured_at: Timestamp,
    figures: z.array(Figure),
  })
  .openapi("BenchmarkResult");
type Result = z.infer<typeof Result>;

export const SystemBenchmark = z
  .object({
    results: z.array(Result),
    timestamp: Timestamp,
    agents: z
      .array(MemberBase)
      .openapi({ description: "Whoever was to measure; `error` says why one did not." }),
  })
  .openapi("SystemBenchmark");
export type SystemBenchmark = z.infer<typeof SystemBenchmark>;

/** GB/s, or nothing where it was not measured. */
const copied = (figures: BenchmarkFigure[], size: number): number | null =>
  figures.find(({ name }) => name === `memory_copy_${size}mb`)?.value ?? null;

const copyMs = (figures: BenchmarkFigure[], size: number): number | null => {
  const speed = copied(figures, size);
  return speed ? Number(((size * MEBIBYTE) / speed / 1e6).toPrecision(5)) : null;
};

const withUnit = (speed: number | null): string | null => {
  if (speed === null) return null;
  return speed >= 1 ? `${speed.toFixed(2)} GB/s` : `${(speed * 1000).toFixed(2)} MB/s`;
};

function toResult({ agent }: Member, { at, duration_ms, figures }: BenchmarkReport): Result {
  return {
    agent_id: agent.id,
    agent_name: agent.name,
    device: "cpu",
    gpu_id: null,
    gpu_name: null,
    buffer_copy_1mb_ms: copyMs(figures, 1),
    buffer_copy_16mb_ms: copyMs(figures, 16),
    buffer_copy_64mb_ms: copyMs(figures, 64),
    compute_dispatch_ms: figures.find(({ name }) => name === "elementwise_add")?.value ?? null,
    effective_bandwidth_1mb: withUnit(copied(figures, 1)),
    effective_bandwidth_16mb: withUnit(copied(figures, 16)),
    effective_bandwidth_64mb: withUnit(copied(figures, 64)),
    duration_ms,
    measured_at: at,
    figures,
  };
}

export interface Measured {
  member: Member;
  asked: Asked<BenchmarkReport>;
}

export const toSystemBenchmark = (measured: Measured[], now: Date): SystemBenchmark => ({
  results: measured.flatMap(({ member, asked }) => (asked.ok ? [toResult(member, asked.value)] : [])),
  timestamp: now.toISOString(),
  agents: measured.map(({ member, asked }) => toMemberBase(member, asked)),
});

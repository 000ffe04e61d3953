import { Timestamp, z } from "#http/contract";
import { pearson, spearman } from "../../kernel/correlation.ts";
import type { ProcessReport, ProcessSample } from "../../kernel/system-sample.ts";
import type { Asked, Member } from "./fleet.service.ts";
import { MemberBase, measuredAt, toMemberBase } from "./member.schema.ts";

const MAX_POINTS = 100;
const MEGABYTE = 1_000_000;

const Pair = z
  .object({
    n: z.number().int().openapi({ description: "Processes." }),
    pearson: z.number().nullable(),
    spearman: z.number().nullable(),
  })
  .openapi("CorrelationPair", {
    description:
      "Pearson's r and Spearman's ρ; null for fewer than three processes or where one side does not vary.",
  });

const Statistics = z
  .object({ cpu_memory: Pair, cpu_runtime: Pair, memory_runtime: Pair })
  .openapi("CorrelationStatistics");
type Statistics = z.infer<typeof Statistics>;

const Point = z
  .object({
    x: z.number().openapi({ description: "Percent of all CPUs of its machine." }),
    y: z.number().openapi({ description: "MB of memory (10⁶ bytes)." }),
    z: z.number().openapi({ description: "Minutes it has run." }),
    label: z.string(),
    category: z.enum(["high-cpu", "high-memory", "normal"]).openapi({
      description: "Above 50 % CPU, else above 500 MB, else neither.",
    }),
    pid: z.number().int(),
    agent_id: z.uuid(),
  })
  .openapi("CorrelationPoint");
type Point = z.infer<typeof Point>;

export const SystemCorrelation = z
  .object({
    points: z.array(Point).openapi({
      description: `At most ${MAX_POINTS} processes, those that use the CPU most first. Real ones only: none without an agent, and none of machines that are shared with you, of which the statistics tell.`,
    }),
    x_label: z.string(),
    y_label: z.string(),
    z_label: z.string(),
    statistics: Statistics.openapi({
      description: "Over all processes told of, not only those in `points`.",
    }),
    agents: z.array(
      MemberBase.extend({
        sampled_at: Timestamp.nullable(),
        process_count: z
          .number()
          .int()
          .nullable()
          .openapi({ description: "Programs that ran all through the second that was looked at." }),
        statistics: Statistics.nullable(),
      }).openapi("AgentCorrelation"),
    ),
  })
  .openapi("SystemCorrelation");
export type SystemCorrelation = z.infer<typeof SystemCorrelation>;

function statisticsOf(processes: ProcessSample[]): Statistics {
  const [cpu, memory, runtime] = [
    processes.map(({ cpu_percent }) => cpu_percent),
    processes.map(({ memory_bytes }) => memory_bytes),
    processes.map(({ runtime_seconds }) => runtime_seconds),
  ];
  const pair = (xs: number[], ys: number[]) => ({
    n: xs.length,
    pearson: pearson(xs, ys),
    spearman: spearman(xs, ys),
  });
  return {
    cpu_memory: pair(cpu, memory),
    cpu_runtime: pair(cpu, runtime),
    memory_runtime: pair(memory, runtime),
  };
}

function categoryOf(cpuPercent: number, megabytes: number): Point["category"] {
  if (cpuPercent > 50) return "high-cpu";
  return megabytes > 500 ? "high-memory" : "normal";
}

function toPoint({ process, agentId }: { process: ProcessSample; agentId: string }): Point {
  const megabytes = process.memory_bytes / MEGABYTE;
  return {
    x: process.cpu_percent,
    y: Math.round(megabytes * 10) / 10,
    z: Math.round(process.runtime_seconds / 6) / 10,
    label: process.name,
    category: categoryOf(process.cpu_percent, megabytes),
    pid: process.pid,
    agent_id: agentId,
  };
}

export interface Listed {
  member: Member;
  asked: Asked<ProcessReport>;
  /** Whether the caller may know which processes these are. */
  isNamed: boolean;
}

export function toSystemCorrelation(listed: Listed[], now: Date): SystemCorrelation {
  const all = listed.flatMap(({ member, asked, isNamed }) =>
    asked.ok ? asked.value.processes.map((process) => ({ process, agentId: member.agent.id, isNamed })) : [],
  );
  const named = all.filter(({ isNamed }) => isNamed);
  const busiest = named.toSorted(
    (a, b) =>
      b.process.cpu_percent - a.process.cpu_percent || b.process.memory_bytes - a.process.memory_bytes,
  );
  return {
    points: busiest.slice(0, MAX_POINTS).map(toPoint),
    x_label: "CPU %",
    y_label: "Memory (MB)",
    z_label: "Runtime (min)",
    statistics: statisticsOf(all.map(({ process }) => process)),
    agents: listed.map(({ member, asked }) => ({
      ...toMemberBase(member, asked),
      sampled_at: asked.ok ? measuredAt(asked.value.at, member, now) : null,
      process_count: asked.ok ? asked.value.total : null,
      statistics: asked.ok ? statisticsOf(asked.value.processes) : null,
    })),
  };
}

import { Timestamp, z } from "#http/contract";
import type { Asked, Member } from "./fleet.service.ts";
import { type Dated, toSeries } from "./history-series.ts";
import { AgentQuery, MemberBase, toMemberBase } from "./member.schema.ts";

/** How far back each span goes, and in which steps. */
export const SPANS = {
  minute: { stepSeconds: 1, count: 60 },
  hour: { stepSeconds: 15, count: 240 },
  day: { stepSeconds: 300, count: 288 },
} as const;
export type Span = keyof typeof SPANS;

export const HistoryQuery = AgentQuery.extend({
  span: z
    .enum(["minute", "hour", "day"])
    .default("minute")
    .openapi({ description: "A minute at 1 s, an hour at 15 s or a day at 5 min." }),
});
export type HistoryQuery = z.infer<typeof HistoryQuery>;

const column = (description: string) => z.array(z.number().nullable()).openapi({ description });

export const SystemHistory = z
  .object({
    span: z.enum(["minute", "hour", "day"]),
    step_seconds: z.number().int(),
    timestamps: z
      .array(z.string())
      .openapi({ description: "`HH:MM:SS`, UTC; `sampled_at` says the date too." }),
    sampled_at: z.array(Timestamp),
    cpu_history: column("Percent; of several agents the mean, weighted by cores."),
    memory_history: column("Percent of the memory of all."),
    disk_io_read: column("Bytes per second."),
    disk_io_write: column("Bytes per second."),
    network_rx: column("Bytes per second."),
    network_tx: column("Bytes per second."),
    gpu_utilization: z
      .array(z.array(z.number().nullable()))
      .openapi({ description: "Percent, a series for each GPU; empty without one." }),
    agents: z.array(
      MemberBase.extend({ samples: z.number().int().openapi({ description: "How many it gave." }) }).openapi(
        "AgentHistory",
      ),
    ),
  })
  .openapi("SystemHistory", { description: "Arrays of equal length, oldest first; empty without samples." });
export type SystemHistory = z.infer<typeof SystemHistory>;

export interface Remembered {
  member: Member;
  asked: Asked<Dated[]>;
}

export function toSystemHistory(remembered: Remembered[], span: Span): SystemHistory {
  const { stepSeconds, count } = SPANS[span];
  const telling = remembered.flatMap(({ asked }) =>
    asked.ok && asked.value.length > 0 ? [asked.value] : [],
  );
  const series = toSeries(telling, stepSeconds * 1000, count);
  const sampledAt = series.at.map((at) => new Date(at).toISOString());
  return {
    span,
    step_seconds: stepSeconds,
    timestamps: sampledAt.map((at) => at.slice(11, 19)),
    sampled_at: sampledAt,
    cpu_history: series.cpu,
    memory_history: series.memory,
    disk_io_read: series.diskRead,
    disk_io_write: series.diskWritten,
    network_rx: series.received,
    network_tx: series.sent,
    gpu_utilization: series.gpus,
    agents: remembered.map(({ member, asked }) => ({
      ...toMemberBase(member, asked),
      samples: asked.ok ? asked.value.length : 0,
    })),
  };
}

import type { MetricPoint, RunStatus } from "../../kernel/ports/run-feeds.ts";
import type { SequencedLine } from "./chunk-codec.ts";
import type { FeedMeta } from "./feed-store.ts";
import { presentPoint } from "./metric-wire.ts";

/** Something watchers are told, in the order of the run's one sequence. */
export type FeedEvent = { kind: "point"; point: MetricPoint } | { kind: "line"; line: SequencedLine };

export interface Frame {
  type: "hello" | "metrics" | "log" | "status" | "gap";
  seq: number;
  data: Record<string, unknown>;
}

// A replay of a long history goes out in frames of this many points, each well below the 1 MiB message limit.
const MAX_POINTS = 500;

const iso = (timestamp: number): string => new Date(timestamp).toISOString();

/** Packs events into frames: neighbouring points share one, a log line has one of its own. */
export function framesOf(events: Iterable<FeedEvent>): Frame[] {
  const frames: Frame[] = [];
  let points: Record<string, unknown>[] = [];
  let seq = 0;
  const closeMetrics = () => {
    if (points.length > 0) frames.push({ type: "metrics", seq, data: { points } });
    points = [];
  };
  for (const event of events) {
    if (event.kind === "point") {
      points.push(presentPoint(event.point));
      seq = event.point.seq;
      if (points.length === MAX_POINTS) closeMetrics();
      continue;
    }
    closeMetrics();
    const { line } = event;
    const data = { timestamp: iso(line.timestamp), level: line.level, message: line.message };
    frames.push({ type: "log", seq: line.seq, data });
  }
  closeMetrics();
  return frames;
}

export const helloFrame = (runId: string, status: RunStatus, seq: number): Frame => ({
  type: "hello",
  seq,
  data: { run_id: runId, status },
});

export const statusFrame = ({ status, completedAt, errorMessage }: FeedMeta, seq: number): Frame => ({
  type: "status",
  seq,
  data: {
    status,
    ...(completedAt !== null && { completed_at: iso(completedAt) }),
    ...(errorMessage !== null && { error_message: errorMessage }),
  },
});

/** Entries `from`…`to` were too many to replay; fetch them over HTTP. */
export const gapFrame = (from: number, to: number): Frame => ({ type: "gap", seq: to, data: { from, to } });

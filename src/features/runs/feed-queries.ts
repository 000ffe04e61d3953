import type {
  LogsPage,
  LogsQuery,
  MetricPoint,
  MetricPosition,
  MetricsPage,
  MetricsQuery,
} from "../../kernel/ports/run-feeds.ts";
import { decodeLogs, decodeMetrics, type SequencedLine } from "./chunk-codec.ts";
import { MinMaxSampler } from "./downsample.ts";
import type { ChunkInfo, FeedStore } from "./feed-store.ts";
import { concat, pointAt, type SequencedColumns } from "./metric-columns.ts";
import { groupBySteps, orderedIndexes } from "./step-order.ts";

function* pointsInOrder(
  store: FeedStore,
  chunks: ChunkInfo[],
  fromStep: number,
  after?: MetricPosition,
): Generator<{ columns: SequencedColumns; i: number }> {
  for (const group of groupBySteps(chunks)) {
    const columns = concat(group.map((chunk) => decodeMetrics(store.data("metrics", chunk.firstSeq))));
    for (const i of orderedIndexes(columns, fromStep, after)) yield { columns, i };
  }
}

/** The point with the highest step, the newest of several. */
export function latestPoint(store: FeedStore): MetricPoint | undefined {
  const chunk = store.highest();
  if (!chunk) return undefined;
  const columns = decodeMetrics(store.data("metrics", chunk.firstSeq));
  return pointAt(columns, columns.steps.lastIndexOf(chunk.maxStep));
}

/** One page of points in step order, or the whole range reduced to `maxPoints`. */
export function readMetrics(store: FeedStore, query: MetricsQuery): MetricsPage {
  const { fromStep, after, limit, maxPoints } = query;
  const keys = query.keys && new Set(query.keys);
  const chunks = store.fromStep(Math.max(fromStep, after?.step ?? -Infinity));
  if (maxPoints !== undefined) return { points: downsample(store, chunks, fromStep, maxPoints, keys) };
  const points: MetricPoint[] = [];
  for (const { columns, i } of pointsInOrder(store, chunks, fromStep, after)) {
    if (points.length === limit) {
      const { step, seq } = points[limit - 1]!;
      return { points, next: { step, seq } };
    }
    points.push(pointAt(columns, i, keys));
  }
  return { points };
}

function downsample(
  store: FeedStore,
  chunks: ChunkInfo[],
  fromStep: number,
  maxPoints: number,
  keys: ReadonlySet<string> | undefined,
): MetricPoint[] {
  const total = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  let sampler: MinMaxSampler | undefined;
  const few: MetricPoint[] = [];
  for (const { columns, i } of pointsInOrder(store, chunks, fromStep)) {
    if (total <= maxPoints) few.push(pointAt(columns, i, keys));
    else
      (sampler ??= new MinMaxSampler(total, keys?.size ?? columns.series.length, maxPoints, keys)).add(
        columns,
        i,
      );
  }
  return sampler?.finish() ?? few;
}

/** Log lines in the order they came. */
export function readLogs(store: FeedStore, { afterSeq, limit, level }: LogsQuery): LogsPage {
  const lines: SequencedLine[] = [];
  for (const { firstSeq } of store.afterSeq("logs", afterSeq)) {
    for (const line of decodeLogs(store.data("logs", firstSeq))) {
      if (line.seq <= afterSeq || (level !== undefined && line.level !== level)) continue;
      if (lines.length === limit) return { lines, next: lines[limit - 1]!.seq };
      lines.push(line);
    }
  }
  return { lines };
}

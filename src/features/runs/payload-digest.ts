import type { LogLine, MetricColumns } from "../../kernel/ports/run-feeds.ts";
import { sha256Hex } from "../../kernel/secret.ts";

/** SHA-256 of what a batch of points says, whatever the order of its keys. A time not given (NaN) is none. */
export async function digestMetrics({ steps, epochs, timestamps, series }: MetricColumns): Promise<string> {
  const sorted = series.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const keys = sorted.map(({ key, present }) => [key, present !== undefined]);
  const head = JSON.stringify([steps.length, keys]);
  const columns = sorted.flatMap(({ values, present }) => (present ? [values, present] : [values]));
  const parts = [head, steps, epochs, timestamps, ...columns] as BufferSource[];
  return sha256Hex(await new Blob(parts).arrayBuffer());
}

/** SHA-256 of what a batch of log lines says. */
export const digestLogs = (lines: LogLine[]): Promise<string> =>
  sha256Hex(JSON.stringify(lines.map(({ timestamp, level, message }) => [timestamp, level, message])));

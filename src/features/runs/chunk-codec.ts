import type { LogLine, MetricSeries } from "../../kernel/ports/run-feeds.ts";
import { countOf, type SequencedColumns } from "./metric-columns.ts";

/**
 * A chunk of points as bytes, version 1, little-endian:
 *
 *   u32 length of the header · header as JSON `{v, n, keys: [{key, mask}]}` · zeros up to a multiple of 8
 *   f64[n] seqs · f64[n] steps · f64[n] epochs · f64[n] timestamps · f64[n] per key
 *   u8[n] per key whose `mask` is true: 1 where the point has the key
 */
interface Header {
  v: 1;
  n: number;
  keys: { key: string; mask: boolean }[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const align8 = (offset: number): number => (offset + 7) & ~7;
const FIXED_COLUMNS = 4;

/** Bytes `encodeMetrics` will need at most, without the header's text. */
export const metricBytes = (count: number, keys: number): number =>
  count * 8 * (FIXED_COLUMNS + keys) + count * keys;

export function encodeMetrics(columns: SequencedColumns): Uint8Array {
  const n = countOf(columns);
  const masks = columns.series.filter((series) => series.present !== undefined);
  const keys = columns.series.map(({ key, present }) => ({ key, mask: present !== undefined }));
  const header = encoder.encode(JSON.stringify({ v: 1, n, keys } satisfies Header));
  const start = align8(4 + header.length);
  const floats = FIXED_COLUMNS + columns.series.length;
  const bytes = new Uint8Array(start + floats * n * 8 + masks.length * n);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 4);
  const columnsInOrder = [columns.seqs, columns.steps, columns.epochs, columns.timestamps];
  columnsInOrder.push(...columns.series.map((series) => series.values));
  columnsInOrder.forEach((column, i) => new Float64Array(bytes.buffer, start + i * n * 8, n).set(column));
  masks.forEach((series, i) => bytes.set(series.present!, start + floats * n * 8 + i * n));
  return bytes;
}

export function decodeMetrics(stored: Uint8Array): SequencedColumns {
  // A copy, since the columns must start at a multiple of 8 and `stored` may begin anywhere in its buffer.
  const { buffer } = new Uint8Array(stored);
  const headerLength = new DataView(buffer).getUint32(0, true);
  const { v, n, keys } = JSON.parse(decoder.decode(new Uint8Array(buffer, 4, headerLength))) as Header;
  if (v !== 1) throw new Error(`unknown chunk version ${String(v)}`);
  const start = align8(4 + headerLength);
  const column = (i: number) => new Float64Array(buffer, start + i * n * 8, n);
  let maskAt = start + (FIXED_COLUMNS + keys.length) * n * 8;
  const series = keys.map(({ key, mask }, i): MetricSeries => {
    const values = column(FIXED_COLUMNS + i);
    if (!mask) return { key, values };
    const present = new Uint8Array(buffer, maskAt, n);
    maskAt += n;
    return { key, values, present };
  });
  return { seqs: column(0), steps: column(1), epochs: column(2), timestamps: column(3), series };
}

export type SequencedLine = LogLine & { seq: number };

/** A chunk of log lines: JSON, one array `[seq, timestamp, level, message]` a line. */
export const encodeLogs = (lines: SequencedLine[]): Uint8Array =>
  encoder.encode(
    lines.map((line) => JSON.stringify([line.seq, line.timestamp, line.level, line.message])).join("\n"),
  );

export function decodeLogs(bytes: Uint8Array): SequencedLine[] {
  return decoder
    .decode(bytes)
    .split("\n")
    .map((text) => {
      const [seq, timestamp, level, message] = JSON.parse(text) as [number, number, string, string];
      return { seq, timestamp, level, message };
    });
}

import type { ChunkKind } from "../../db/schema.ts";
import { decodeLogs, decodeMetrics, encodeLogs, encodeMetrics } from "./chunk-codec.ts";
import type { Chunk, ChunkInfo, FeedStore } from "./feed-store.ts";
import { concat } from "./metric-columns.ts";

// Full chunks: large enough that a long run has few of them, small enough for a row and for memory.
const FULL_COUNT = 4096;
const FULL_BYTES = 512 * 1024;

function mergeData(kind: ChunkKind, parts: Uint8Array[]): Uint8Array {
  if (kind === "metrics") return encodeMetrics(concat(parts.map(decodeMetrics)));
  return encodeLogs(parts.flatMap(decodeLogs));
}

function merge(kind: ChunkKind, parts: ChunkInfo[], data: Uint8Array[]): Chunk {
  return {
    kind,
    firstSeq: parts[0]!.firstSeq,
    lastSeq: parts[parts.length - 1]!.lastSeq,
    count: parts.reduce((sum, part) => sum + part.count, 0),
    minStep: Math.min(...parts.map((part) => part.minStep)),
    maxStep: Math.max(...parts.map((part) => part.maxStep)),
    data: mergeData(kind, data),
  };
}

/**
 * Merges the small chunks that appends leave behind, so that storage and archive hold few large ones. Appends keep
 * coming between calls; each call is one synchronous turn.
 */
export function compact(store: FeedStore, kind: ChunkKind): void {
  let parts: ChunkInfo[] = [];
  let data: Uint8Array[] = [];
  let count = 0;
  let bytes = 0;
  const close = (full: boolean) => {
    if (parts.length > 1) store.replace(parts, merge(kind, parts, data));
    if (full && parts.length > 0) store.seal(kind, parts[0]!.firstSeq);
    [parts, data, count, bytes] = [[], [], 0, 0];
  };
  for (const info of store.open(kind)) {
    const next = store.data(kind, info.firstSeq);
    if (parts.length > 0 && (count + info.count > FULL_COUNT || bytes + next.length > FULL_BYTES))
      close(true);
    parts.push(info);
    data.push(next);
    count += info.count;
    bytes += next.length;
  }
  close(count >= FULL_COUNT || bytes >= FULL_BYTES);
}

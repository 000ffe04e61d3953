import { decodeLogs, decodeMetrics } from "./chunk-codec.ts";
import { type FeedEvent, type Frame, framesOf, gapFrame } from "./feed-frames.ts";
import type { FeedStore } from "./feed-store.ts";
import { countOf, pointAt } from "./metric-columns.ts";

// More than this is quicker fetched in pages over HTTP; the watcher is told which entries it misses.
const MAX_ENTRIES = 50_000;

/** Frames with everything after `since`, in order, up to the present. */
export function replay(store: FeedStore, since: number, seq: number): Frame[] {
  if (seq - since > MAX_ENTRIES) {
    const from = seq - MAX_ENTRIES;
    return [gapFrame(since + 1, from), ...framesOf(eventsAfter(store, from))];
  }
  return framesOf(eventsAfter(store, since));
}

function eventsAfter(store: FeedStore, since: number): FeedEvent[] {
  const events: FeedEvent[] = [];
  for (const { firstSeq } of store.afterSeq("metrics", since)) {
    const columns = decodeMetrics(store.data("metrics", firstSeq));
    for (let i = 0; i < countOf(columns); i++) {
      if (columns.seqs[i]! > since) events.push({ kind: "point", point: pointAt(columns, i) });
    }
  }
  for (const { firstSeq } of store.afterSeq("logs", since)) {
    for (const line of decodeLogs(store.data("logs", firstSeq))) {
      if (line.seq > since) events.push({ kind: "line", line });
    }
  }
  return events.sort((a, b) => seqOf(a) - seqOf(b));
}

const seqOf = (event: FeedEvent): number => (event.kind === "point" ? event.point.seq : event.line.seq);

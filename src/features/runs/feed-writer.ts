import type {
  FeedAck,
  IdempotencyKey,
  LogLine,
  MetricColumns,
  MetricPoint,
} from "../../kernel/ports/run-feeds.ts";
import { BatchWindow } from "../../kernel/batch-window.ts";
import { encodeLogs, encodeMetrics } from "./chunk-codec.ts";
import type { FeedEvent } from "./feed-frames.ts";
import type { Ack, FeedStore } from "./feed-store.ts";
import { concat, countOf, pointAt, type SequencedColumns, sequence, stepRange } from "./metric-columns.ts";

type Input = { kind: "metrics"; columns: MetricColumns } | { kind: "logs"; lines: LogLine[] };
type Pending = Input & {
  key: IdempotencyKey | undefined;
  resolve: (ack: FeedAck) => void;
  reject: (error: unknown) => void;
};
type Segment =
  | { kind: "metrics"; parts: SequencedColumns[] }
  | { kind: "logs"; lines: (LogLine & { seq: number })[] };

const sizeOf = (input: Input): number =>
  input.kind === "metrics" ? countOf(input.columns) : input.lines.length;

/** Points and log lines may be sent under the same key. */
const nameOf = (kind: Input["kind"], { key }: IdempotencyKey): string => `${kind}:${key}`;

function answerAgain({ firstSeq, lastSeq, digest }: Ack, sent: string | undefined): FeedAck {
  const differs = sent !== undefined && digest !== null && digest !== sent;
  return differs ? { ok: false, reason: "key_reused" } : { ok: true, firstSeq, lastSeq, duplicate: true };
}

/**
 * Group commit: appends that arrive in the same turn are written as one row, so sixteen writers cost one commit.
 * The object's output gate holds each acknowledgement back until that commit is on disk.
 */
export class FeedWriteQueue {
  readonly #store: FeedStore;
  readonly #onWritten: (events: FeedEvent[], latest: MetricPoint | undefined) => void;
  readonly #window = new BatchWindow();
  #pending: Pending[] = [];
  #seq: number;

  constructor(store: FeedStore, onWritten: (events: FeedEvent[], latest: MetricPoint | undefined) => void) {
    this.#store = store;
    this.#onWritten = onWritten;
    this.#seq = store.lastSeq();
  }

  get seq(): number {
    return this.#seq;
  }

  /** After chunks came in from the archive. */
  reload(): void {
    this.#seq = this.#store.lastSeq();
  }

  append(input: Input, key?: IdempotencyKey): Promise<FeedAck> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...input, key, resolve, reject });
      if (this.#pending.length === 1) this.#commitSoon();
    });
  }

  #commitSoon(): void {
    if (!this.#window.waits()) return this.#commit();
    setTimeout(() => {
      this.#window.gathered(this.#pending.length);
      this.flush();
    }, 0);
  }

  /** Writes what waits for company now. */
  flush(): void {
    if (this.#pending.length > 0) this.#commit();
  }

  #commit(): void {
    const batch = this.#pending;
    this.#pending = [];
    try {
      const { replies, segments } = this.#sequence(batch);
      for (const segment of segments) this.#write(segment);
      this.#onWritten(...eventsOf(segments));
      replies.forEach((reply) => reply());
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Numbers what is new in the order of arrival; a key seen before gets the first answer again. */
  #sequence(batch: Pending[]): { replies: (() => void)[]; segments: Segment[] } {
    const replies: (() => void)[] = [];
    const segments: Segment[] = [];
    for (const input of batch) {
      const { key } = input;
      const seen = key && this.#store.ack(nameOf(input.kind, key));
      if (seen) {
        replies.push(() => input.resolve(answerAgain(seen, key.digest)));
        continue;
      }
      const firstSeq = this.#seq + 1;
      const lastSeq = (this.#seq += sizeOf(input));
      const ack: Ack = { firstSeq, lastSeq, digest: key?.digest ?? null };
      if (key) this.#store.addAck(nameOf(input.kind, key), ack, Date.now());
      replies.push(() => input.resolve({ ok: true, firstSeq, lastSeq, duplicate: false }));
      addTo(segments, input, firstSeq);
    }
    return { replies, segments };
  }

  #write(segment: Segment): void {
    if (segment.kind === "logs") {
      const { lines } = segment;
      const range = { firstSeq: lines[0]!.seq, lastSeq: lines[lines.length - 1]!.seq, count: lines.length };
      this.#store.insert({ kind: "logs", ...range, minStep: 0, maxStep: 0, data: encodeLogs(lines) });
      return;
    }
    const columns = concat(segment.parts);
    const { seqs } = columns;
    const range = { firstSeq: seqs[0]!, lastSeq: seqs[seqs.length - 1]!, count: seqs.length };
    this.#store.insert({ kind: "metrics", ...range, ...stepRange(columns), data: encodeMetrics(columns) });
  }
}

// Rows stay well below the 2 MB limit even when large batches arrive together.
const MAX_PARTS = 256;
const MAX_POINTS = 4096;

function addTo(segments: Segment[], input: Input, firstSeq: number): void {
  const last = segments[segments.length - 1];
  if (input.kind === "logs") {
    const lines = input.lines.map((line, i) => ({ ...line, seq: firstSeq + i }));
    if (last?.kind === "logs" && last.lines.length + lines.length <= MAX_POINTS) last.lines.push(...lines);
    else segments.push({ kind: "logs", lines });
    return;
  }
  const columns = sequence(input.columns, firstSeq);
  const room = (parts: SequencedColumns[]) =>
    parts.length < MAX_PARTS &&
    parts.reduce((sum, part) => sum + countOf(part), countOf(columns)) <= MAX_POINTS / 4;
  if (last?.kind === "metrics" && room(last.parts)) last.parts.push(columns);
  else segments.push({ kind: "metrics", parts: [columns] });
}

function eventsOf(segments: Segment[]): [FeedEvent[], MetricPoint | undefined] {
  const events: FeedEvent[] = [];
  let latest: MetricPoint | undefined;
  for (const segment of segments) {
    if (segment.kind === "logs") {
      for (const line of segment.lines) events.push({ kind: "line", line });
      continue;
    }
    for (const columns of segment.parts) {
      for (let i = 0; i < countOf(columns); i++) {
        const point = pointAt(columns, i);
        events.push({ kind: "point", point });
        if (!latest || point.step >= latest.step) latest = point;
      }
    }
  }
  return [events, latest];
}

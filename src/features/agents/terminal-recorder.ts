import { castHeader, type CastHeader, recordingPartKey } from "./asciicast.ts";
import { concat, RecordingTape } from "./recording-tape.ts";
import type { Recording, RecordingStore } from "./recording-store.ts";

export interface RecorderHost {
  now(): number;
  putPart(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Tells reviewers how far a recording is. */
  note(recording: Recording): Promise<void>;
  /** What the terminal said before `offset` is written down. */
  credit(channel: number, offset: number): void;
  /** Nothing more of a terminal is recorded: it has said as much as is kept. */
  truncated(id: string): void;
  /** A terminal cannot be recorded any more. */
  failed(id: string, error: unknown): void;
  /** Lets work outlive the event; a failure is logged. */
  background(work: Promise<unknown>): void;
}

// A key's echo never waits for a disk; what is lost with the object before that, the agent says again.
const WRITE_MS = 250;
const WRITE_BYTES = 32_000;
const PART_BYTES = 1_000_000;
/** So much may wait for a blob store that takes nothing. */
const MOST_WAITING_PARTS = 8;

/**
 * Writes down what the terminals of one agent say. Here and not on the machine, whose user could forge it or switch it
 * off. Lines go to the object's own disk, by the batch, and from there to the blob store, by the part.
 */
export class TerminalRecorder {
  readonly #store: RecordingStore;
  readonly #host: RecorderHost;
  readonly #tapes: Map<string, RecordingTape>;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #storing = new Map<string, Promise<void>>();
  readonly #wanted = new Map<string, number>();
  readonly #broken = new Set<string>();

  constructor(store: RecordingStore, host: RecorderHost) {
    this.#store = store;
    this.#host = host;
    this.#tapes = new Map(
      store.recordings().map((recording) => [recording.id, new RecordingTape(recording)]),
    );
  }

  /** The recordings of terminals that are not said to have ended. */
  running(): string[] {
    return [...this.#tapes.values()].filter(isRunning).map(({ recording }) => recording.id);
  }

  isRunning(id: string): boolean {
    const tape = this.#tapes.get(id);
    return tape !== undefined && isRunning(tape);
  }

  /** Whether anything is not where it shall stay. */
  get owes(): boolean {
    return [...this.#tapes.values()].some(({ recording }) => partsOwed(recording) || recording.end !== null);
  }

  begin(id: string, channel: number, about: CastHeader & { maxBytes: number }): void {
    const { startedAt, maxBytes, columns, rows } = about;
    const recording: Recording = {
      ...{ id, channel, startedAt, maxBytes, columns, rows },
      ...{ next: null, rest: [], lastMs: 0, bytes: 0, filling: 0, filledBytes: 0, stored: 0 },
      ...{ isTruncated: false, end: null },
    };
    const tape = new RecordingTape(recording);
    this.#tapes.set(id, tape);
    tape.start(castHeader(about));
    this.#write(tape);
  }

  /** The agent has said what it calls the terminal by. */
  channelIs(id: string, channel: number): void {
    const tape = this.#tapes.get(id);
    if (!tape) return;
    tape.recording.channel = channel;
    this.#write(tape);
  }

  /** There was nothing to record after all. */
  forget(id: string): void {
    this.#drop(id);
    this.#store.remove(id);
  }

  say(channel: number, offset: number, bytes: Uint8Array): void {
    const tape = this.#tapeOf(channel);
    if (tape) this.#change(tape, (now) => tape.say(offset, bytes, now));
  }

  resize(id: string, columns: number, rows: number): void {
    const tape = this.#tapes.get(id);
    if (tape && isRunning(tape)) this.#change(tape, (now) => tape.resize(columns, rows, now));
  }

  /** Up to where the agent may forget what it said, of all before `offset`; the rest follows when it is written down. */
  credit(channel: number, offset: number): number {
    const tape = this.#tapeOf(channel);
    if (!tape || this.#broken.has(tape.recording.id)) return offset;
    if (offset > tape.keptUntil)
      this.#wanted.set(tape.recording.id, Math.max(this.#wanted.get(tape.recording.id) ?? 0, offset));
    return Math.min(offset, tape.keptUntil);
  }

  end(id: string, reason: string): void {
    const tape = this.#tapes.get(id);
    if (!tape || !isRunning(tape)) return;
    tape.end(reason, this.#host.now());
    this.#write(tape);
  }

  /** What is not in the blob store, and how many parts are; nothing of a recording that is all there. */
  read(id: string): { parts: number; rest: Uint8Array } | null {
    const tape = this.#tapes.get(id);
    if (!tape) return null;
    this.#write(tape);
    return { parts: tape.recording.stored, rest: concat(this.#store.chunks(id)) };
  }

  /** Puts what is owed where it shall stay. Never throws: what fails is owed still. */
  async flush(): Promise<void> {
    await Promise.allSettled([...this.#tapes.values()].map((tape) => this.#putAway(tape)));
  }

  #tapeOf(channel: number): RecordingTape | undefined {
    for (const tape of this.#tapes.values())
      if (tape.recording.channel === channel && isRunning(tape)) return tape;
    return undefined;
  }

  #change(tape: RecordingTape, change: (now: number) => void): void {
    const { recording } = tape;
    const wasWhole = !recording.isTruncated;
    change(this.#host.now());
    if (wasWhole && recording.isTruncated) this.#host.truncated(recording.id);
    if (tape.waitingBytes >= WRITE_BYTES) return this.#write(tape);
    // Of what is not recorded any more nothing has to be written down.
    if (recording.isTruncated && tape.waitingBytes === 0) tape.keptUntil = recording.next ?? 0;
    else if (!this.#timers.has(recording.id))
      this.#timers.set(
        recording.id,
        setTimeout(() => this.#write(tape), WRITE_MS),
      );
  }

  #write(tape: RecordingTape): void {
    const { recording } = tape;
    const { id, channel } = recording;
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    if (!this.#keep(tape)) return;
    const wanted = this.#wanted.get(id);
    this.#wanted.delete(id);
    if (wanted !== undefined) this.#host.credit(channel, Math.min(wanted, tape.keptUntil));
    if (partsOwed(recording) || recording.end) this.#host.background(this.#putAway(tape));
    if (isRunning(tape) && recording.filling - recording.stored > MOST_WAITING_PARTS)
      this.#fail(id, new Error("The blob store takes nothing."));
  }

  #keep(tape: RecordingTape): boolean {
    const { recording } = tape;
    const bytes = tape.take();
    const part = recording.filling;
    recording.filledBytes += bytes?.length ?? 0;
    if (recording.filledBytes >= PART_BYTES) {
      recording.filling++;
      recording.filledBytes = 0;
    }
    try {
      this.#store.keep(recording, bytes && { part, bytes });
      tape.keptUntil = recording.next ?? 0;
      return true;
    } catch (error) {
      this.#fail(recording.id, error);
      return false;
    }
  }

  #fail(id: string, error: unknown): void {
    if (this.#broken.has(id)) return;
    this.#broken.add(id);
    this.#host.failed(id, error);
  }

  /** One part after the other, each written once: a part is only put away when nothing is added to it any more. */
  #putAway(tape: RecordingTape): Promise<void> {
    const { id } = tape.recording;
    let storing = this.#storing.get(id);
    if (!storing) {
      storing = this.#putParts(tape).finally(() => this.#storing.delete(id));
      this.#storing.set(id, storing);
    }
    return storing;
  }

  async #putParts(tape: RecordingTape): Promise<void> {
    const { recording } = tape;
    const { id } = recording;
    while (partsOwed(recording)) {
      const part = recording.stored;
      await this.#host.putPart(recordingPartKey(id, part), concat(this.#store.chunks(id, part)));
      // What was said meanwhile goes with what the recording then says of itself.
      this.#keep(tape);
      recording.stored++;
      this.#store.dropPart(recording, part);
      if (isRunning(tape)) await this.#host.note(recording);
    }
    if (!recording.end) return;
    await this.#host.note(recording);
    this.#drop(id);
    this.#store.remove(id);
  }

  #drop(id: string): void {
    clearTimeout(this.#timers.get(id));
    for (const kept of [this.#timers, this.#wanted, this.#tapes, this.#broken]) kept.delete(id);
  }
}

const isRunning = ({ recording }: RecordingTape): boolean => recording.end === null;

const partsOwed = ({ stored, filling, filledBytes, end }: Recording): boolean =>
  stored < filling || (end !== null && stored === filling && filledBytes > 0);

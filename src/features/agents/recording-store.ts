/** A recording under way, or one that has ended and is not yet all in the blob store. */
export interface Recording {
  id: string;
  /** What the agent calls the terminal by. */
  channel: number;
  startedAt: number;
  maxBytes: number;
  columns: number;
  rows: number;
  /** Place of the next byte of output; `null` before the first. */
  next: number | null;
  /** The beginning of a character, whose rest has not come. */
  rest: number[];
  /** Milliseconds from the start to the last event: time never runs backwards. */
  lastMs: number;
  /** Size of the file so far. */
  bytes: number;
  /** The part that is being filled, and how far. */
  filling: number;
  filledBytes: number;
  /** So many parts are in the blob store. */
  stored: number;
  isTruncated: boolean;
  end: { at: number; reason: string } | null;
}

/** Where recordings are until they are in the blob store. What a method writes commits as one. */
export interface RecordingStore {
  recordings(): Recording[];
  /** Writes down how a recording is, with what was added to it: a chunk of the part it says it is filling. */
  keep(recording: Recording, chunk?: { part: number; bytes: Uint8Array }): void;
  /** A part's chunks, in order; of all parts without one. */
  chunks(id: string, part?: number): Uint8Array[];
  /** The part is in the blob store: `recording` says so, and the chunks go. */
  dropPart(recording: Recording, part: number): void;
  remove(id: string): void;
}

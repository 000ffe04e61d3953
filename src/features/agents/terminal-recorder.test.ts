import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readCast } from "#test/asciicast";
import type { Recording, RecordingStore } from "./recording-store.ts";
import { TerminalRecorder } from "./terminal-recorder.ts";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (pieces: Uint8Array[]) => pieces.map((piece) => Buffer.from(piece)).join("");

/** What an object keeps when it dies: all that was written, and no more. */
class Disk implements RecordingStore {
  #kept = new Map<string, string>();
  #chunks: { id: string; part: number; bytes: Uint8Array }[] = [];

  recordings = () => [...this.#kept.values()].map((json) => JSON.parse(json) as Recording);

  keep(recording: Recording, chunk?: { part: number; bytes: Uint8Array }): void {
    this.#kept.set(recording.id, JSON.stringify(recording));
    if (chunk) this.#chunks.push({ id: recording.id, ...chunk });
  }

  chunks(id: string, part?: number): Uint8Array[] {
    const fit = this.#chunks.filter((one) => one.id === id && (part === undefined || one.part === part));
    return fit.map(({ bytes }) => bytes);
  }

  dropPart(recording: Recording, part: number): void {
    this.keep(recording);
    this.#chunks = this.#chunks.filter((one) => one.id !== recording.id || one.part !== part);
  }

  remove(id: string): void {
    this.#kept.delete(id);
    this.#chunks = this.#chunks.filter((one) => one.id !== id);
  }
}

/** A blob store, what reviewers know, and an object that can die between the two. */
function studio(maxBytes = 64_000_000) {
  const blobs = new Map<string, Uint8Array>();
  const [notes, credits, told] = [[] as Recording[], [] as number[], [] as string[]];
  const state = { takesBlobs: true };
  const disk = new Disk();
  const live = () =>
    new TerminalRecorder(disk, {
      now: Date.now,
      async putPart(key, bytes) {
        if (!state.takesBlobs) throw new Error("no");
        expect(blobs.has(key) && !Buffer.from(bytes).equals(blobs.get(key)!), `${key} changed`).toBe(false);
        blobs.set(key, bytes);
      },
      note: async (recording) => void notes.push(structuredClone(recording)),
      credit: (_, offset) => void credits.push(offset),
      truncated: (id) => void told.push(`truncated ${id}`),
      failed: (id) => void told.push(`failed ${id}`),
      background: (work) => void work.catch(() => {}),
    });
  const begin = (recorder: TerminalRecorder) =>
    recorder.begin("t", 7, { startedAt: Date.now(), columns: 80, rows: 24, title: "me", maxBytes });
  return {
    blobs,
    notes,
    credits,
    told,
    state,
    live,
    begin,
    cast: () => readCast(decode([...blobs.values()])),
  };
}

it("plays back what was said, with sizes, in time, and whole characters wherever they were cut", async () => {
  const { live, begin, cast, notes } = studio();
  const recorder = live();
  begin(recorder);
  const bytes = encode("été 😀\r\n");
  for (let at = 0; at < bytes.length; at++) {
    recorder.say(7, at, bytes.subarray(at, at + 1));
    await vi.advanceTimersByTimeAsync(100);
  }
  recorder.resize("t", 80, 24);
  recorder.resize("t", 120, 40);
  recorder.say(7, bytes.length, new Uint8Array([0x41, 0xff, 0xe2]));
  recorder.end("t", "exit");
  await vi.runAllTimersAsync();
  const { header, events, output } = cast();
  expect(header).toMatchObject({ width: 80, height: 24, timestamp: 1000, title: "me" });
  expect(output).toBe("été 😀\r\nA\ufffd\ufffd");
  expect(events.filter(([, code]) => code === "r")).toEqual([[1.2, "r", "120x40"]]);
  expect(notes.at(-1)).toMatchObject({ stored: 1, isTruncated: false, end: { reason: "exit" } });
  expect(recorder.owes).toBe(false);
});

it("has nothing forgotten that is not written down, and nothing twice after it died", async () => {
  const { live, begin, credits, cast } = studio();
  const first = live();
  begin(first);
  first.say(7, 0, encode("kept "));
  expect(first.credit(7, 5)).toBe(0);
  await vi.advanceTimersByTimeAsync(250);
  expect(credits).toEqual([5]);
  first.say(7, 5, encode("lost with the object"));
  expect(first.credit(7, 25)).toBe(5);
  const second = live();
  expect(second.running()).toEqual(["t"]);
  // The agent says again what it was not told to forget.
  second.say(7, 0, encode("kept lost "));
  second.say(7, 5, encode("lost with the object"));
  second.say(7, 30, encode("!"));
  second.end("t", "lost");
  await vi.advanceTimersByTimeAsync(0);
  const { output, events } = cast();
  expect(output).toBe("kept lost with the object!");
  expect(events.filter(([, code]) => code === "m").map(([, , text]) => text)).toEqual([
    "5 bytes of output are missing here",
  ]);
});

it("keeps what fits, says so in its last event, and holds nobody up after that", async () => {
  const { live, begin, told, notes, cast } = studio(2_000);
  const recorder = live();
  begin(recorder);
  for (let at = 0; at < 10_000; at += 100) recorder.say(7, at, encode("x".repeat(100)));
  expect(told).toEqual(["truncated t"]);
  await vi.advanceTimersByTimeAsync(250);
  expect(recorder.credit(7, 10_000)).toBe(10_000);
  recorder.end("t", "exit");
  await vi.advanceTimersByTimeAsync(0);
  expect(cast().events.at(-1)!.slice(1)).toEqual(["m", "truncated"]);
  expect(notes.at(-1)).toMatchObject({ isTruncated: true });
  expect(notes.at(-1)!.bytes).toBeLessThan(2_100);
});

it("waits for a blob store that takes nothing, but not for ever", async () => {
  const { live, begin, told, state, blobs, cast } = studio();
  const recorder = live();
  begin(recorder);
  state.takesBlobs = false;
  const line = "y".repeat(30_000);
  let at = 0;
  const say = (times: number) => {
    for (let i = 0; i < times; i++, at += line.length) recorder.say(7, at, encode(line));
  };
  say(150);
  await vi.runAllTimersAsync();
  expect([told, recorder.owes]).toEqual([[], true]);
  say(250);
  await vi.runAllTimersAsync();
  expect(told).toEqual(["failed t"]);
  recorder.end("t", "closed");
  await recorder.flush();
  expect(blobs.size).toBe(0);
  // Nothing of it was lost meanwhile, whoever is alive when the store is back.
  state.takesBlobs = true;
  await live().flush();
  expect(blobs.size).toBeGreaterThan(10);
  expect(cast().output).toHaveLength(400 * line.length);
});

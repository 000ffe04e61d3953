import { describe, expect, it } from "vitest";
import { partsOf } from "./parts.ts";

const bytesOf = (count: number, from = 0) => Uint8Array.from({ length: count }, (_, i) => (from + i) % 251);

const streamOf = (chunks: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

async function cut(chunks: number[], partBytes: number): Promise<Uint8Array[]> {
  let from = 0;
  const source = streamOf(chunks.map((length) => bytesOf(length, (from += length) - length)));
  const parts = [];
  for await (const part of partsOf(source, partBytes)) parts.push(part);
  return parts;
}

describe("parts", () => {
  it("are equal but for the last, however the stream is cut", async () => {
    for (const [chunks, expected] of [
      [[], []],
      [[0], []],
      [[3], [3]],
      [[10], [10]],
      [[11], [10, 1]],
      [[25], [10, 10, 5]],
      [
        [5, 5, 5, 5],
        [10, 10],
      ],
      [
        [9, 0, 2, 30],
        [10, 10, 10, 10, 1],
      ],
      [Array<number>(20).fill(1), [10, 10]],
    ]) {
      const parts = await cut(chunks!, 10);
      expect([chunks, parts.map((part) => part.length)]).toEqual([chunks, expected]);
      const whole = parts.flatMap((part) => [...part]);
      expect(whole).toEqual([...bytesOf(whole.length)]);
    }
  });

  it("are not overwritten by those that follow", async () => {
    const [first] = await cut([30], 10);
    expect([...first!]).toEqual([...bytesOf(10)]);
  });

  it("end where the stream breaks, and cancel it when nobody wants more", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("broke")),
    });
    await expect(partsOf(broken, 10).next()).rejects.toThrow("broke");
    let reason: unknown = "none";
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytesOf(7)),
      cancel: (given) => void (reason = given),
    });
    for await (const part of partsOf(endless, 10)) if (part.length === 10) break;
    expect(reason).toBe(undefined);
  });
});

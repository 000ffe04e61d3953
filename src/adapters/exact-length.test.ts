import { describe, expect, it } from "vitest";
import { exactLength } from "./exact-length.ts";

const streamOf = (chunks: Uint8Array[]) =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

/** What comes through, and what it ends with. */
async function passed(chunks: number[], size: number): Promise<[seen: number, end: unknown]> {
  const source = streamOf(chunks.map((length) => new Uint8Array(length)));
  let seen = 0;
  try {
    for await (const chunk of source.pipeThrough(exactLength(size))) seen += chunk.length;
    return [seen, "whole"];
  } catch (error) {
    return [seen, (error as Error).name];
  }
}

describe("a stream of exact length", () => {
  it("passes on what has it, however it is cut", async () => {
    for (const chunks of [[], [0], [0, 0]]) expect(await passed(chunks, 0)).toEqual([0, "whole"]);
    for (const chunks of [[10], [1, 9], [0, 5, 0, 5, 0], Array<number>(10).fill(1)])
      expect([chunks, await passed(chunks, 10)]).toEqual([chunks, [10, "whole"]]);
  });

  it("is never seen whole when it has not", async () => {
    for (const chunks of [[], [9], [3, 3, 3], [10, 1], [1, 9, 1], [11], [10, 0, 1], [1_000]]) {
      const [seen, end] = await passed(chunks, 10);
      expect([chunks, seen < 10, end]).toEqual([chunks, true, "RangeError"]);
    }
    expect(await passed([1], 0)).toEqual([0, "RangeError"]);
  });

  it("hands on why its source broke", async () => {
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new TypeError("x")),
    });
    await expect(source.pipeThrough(exactLength(10)).getReader().read()).rejects.toThrow(TypeError);
  });
});

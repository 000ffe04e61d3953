import { describe, expect, it } from "vitest";
import { Sessions } from "./onnxruntime.sessions.ts";
import { Turns } from "./onnxruntime.turns.ts";

describe("Sessions", () => {
  const world = (maxCount: number, maxBytes: number) => {
    const released: string[] = [];
    const sessions = new Sessions(maxCount, maxBytes);
    const add = async (key: string, sizeBytes: number) => {
      await sessions.makeRoom(sizeBytes);
      await sessions.add(key, { sizeBytes, release: async () => void released.push(key) });
    };
    return { sessions, released, add };
  };

  it("lets the least recently used go when there are too many", async () => {
    const { sessions, released, add } = world(2, 100);
    await add("a", 1);
    await add("b", 1);
    sessions.use("a");
    await add("c", 1);
    expect(released).toEqual(["b"]);
    expect(sessions.size).toBe(2);
  });

  it("makes room by bytes, and lets a large one in alone", async () => {
    const { sessions, released, add } = world(10, 100);
    await add("a", 40);
    await add("b", 40);
    await add("c", 30);
    expect(released).toEqual(["a"]);
    await add("d", 500);
    expect(released).toEqual(["a", "b", "c"]);
    expect(sessions.bytes).toBe(500);
  });

  it("releases what it replaces, and never the one excepted", async () => {
    const { sessions, released, add } = world(10, 100);
    await add("a", 10);
    await add("a", 20);
    expect([released, sessions.bytes]).toEqual([["a"], 20]);
    expect(await sessions.releaseOldest("a")).toBe(false);
    expect(await sessions.releaseOldest()).toBe(true);
    expect(sessions.bytes).toBe(0);
  });
});

describe("Turns", () => {
  it("runs one at a time, in order, and goes on after a failure", async () => {
    const turns = new Turns();
    const seen: string[] = [];
    const work = (name: string, fails = false) =>
      turns.take(async () => {
        seen.push(`${name} in`);
        await Promise.resolve();
        seen.push(`${name} out`);
        if (fails) throw new Error(name);
      });
    const all = await Promise.allSettled([work("a"), work("b", true), work("c")]);
    await work("d");
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(seen).toEqual(["a in", "a out", "b in", "b out", "c in", "c out", "d in", "d out"]);
  });
});

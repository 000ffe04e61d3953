import { expect, it } from "vitest";
import { deferred } from "./deferred.ts";

it("passes calls on to what comes later, arguments, answers and errors", async () => {
  const counter = { add: async (a: number, b: number) => a + b, fail: () => Promise.reject(new Error("no")) };
  const standIn = deferred<typeof counter>(() => Promise.resolve(counter));
  expect(await standIn.add(2, 3)).toBe(5);
  await expect(standIn.fail()).rejects.toThrow("no");
});

it("can be awaited itself, and fails a call when there is nothing to stand in for", async () => {
  const standIn = deferred<{ ask(): Promise<number> }>(() => Promise.reject(new Error("no settings")));
  expect(await Promise.resolve(standIn)).toBe(standIn);
  await expect(standIn.ask()).rejects.toThrow("no settings");
});

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { InTurn } from "./in-turn.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("does what takes longer first all the same, and waits for what never ends no longer than it may", async () => {
  const done: string[] = [];
  const turns = new InTurn(1_000);
  const slow = () =>
    new Promise<void>((resolve) => setTimeout(resolve, 500)).then(() => void done.push("slow"));
  void turns.add(slow);
  void turns.add(async () => void done.push("quick"));
  await vi.advanceTimersByTimeAsync(499);
  expect(done).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(done).toEqual(["slow", "quick"]);
  void turns.add(() => new Promise(() => undefined));
  void turns.add(async () => void done.push("after"));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(done).toEqual(["slow", "quick", "after"]);
  expect(vi.getTimerCount()).toBe(0);
});

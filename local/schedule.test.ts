import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { startSchedule } from "./schedule.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("runs every minute, one at a time, and says what failed", async () => {
  const logged: string[] = [];
  const runs: PromiseWithResolvers<void>[] = [];
  const runScheduled = () => {
    runs.push(Promise.withResolvers());
    return runs.at(-1)!.promise;
  };
  const schedule = startSchedule({ crons: ["* * * * *", "0 0 * * *"], runScheduled }, (line) =>
    logged.push(line),
  );
  expect(logged).toEqual([expect.stringContaining('"0 0 * * *" does not run here')]);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(runs).toHaveLength(1);
  runs[0]!.reject(new Error("no database"));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(logged.at(-1)).toBe("The scheduled work failed: no database");
  expect(runs).toHaveLength(2);
  await schedule.stop();
  runs[1]!.resolve();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(runs).toHaveLength(2);
});

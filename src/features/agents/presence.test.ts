import { expect, it } from "vitest";
import { SILENCE_MS } from "../../kernel/agent-protocol.ts";
import * as presence from "./presence.ts";

const HELLO = {
  ...{ type: "hello" as const, version: "1", capabilities: [], labels: [] },
  host: { hostname: "h", platform: "linux", arch: "x64", cpus: 1, memory_bytes: 1, gpus: [] },
  now: new Date(1_000_000).toISOString(),
};
const hello = (instance: string) => ({ ...HELLO, instance });
const up = presence.greeted(presence.unseen(0), hello("a"), 1_000_000);

it("counts an agent as failed once it was silent for too long, and not before", () => {
  expect(presence.afterSilence(up, 1_000_000 + SILENCE_MS - 1)).toBe(up);
  const failed = presence.afterSilence(up, 1_000_000 + SILENCE_MS);
  expect(failed).toMatchObject({ state: "failed", since: 1_000_000 + SILENCE_MS });
  expect(failed.reason).toContain("45 seconds");
  expect(presence.silenceEndsAt(failed)).toBe(Infinity);
});

it("keeps the time of entering a state over the beats in it", () => {
  const beat = { type: "beat" as const, state: "running" as const, work: [] };
  expect(presence.beaten(up, beat, 1_005_000)).toMatchObject({ since: 1_000_000, lastSeenAt: 1_005_000 });
  const draining = presence.beaten(up, { ...beat, state: "draining" }, 1_006_000);
  expect(draining).toMatchObject({ state: "draining", since: 1_006_000 });
  // It dials in again after a cut connection and is draining still; another program is not.
  expect(presence.greeted(draining, hello("a"), 1_007_000).state).toBe("draining");
  expect(presence.greeted(draining, hello("b"), 1_007_000).state).toBe("running");
});

it("gives a restart a minute", () => {
  const starting = presence.restarting(up, 2_000_000);
  expect(presence.afterSilence(starting, 2_059_999).state).toBe("starting");
  expect(presence.afterSilence(starting, 2_060_000)).toMatchObject({ state: "failed" });
});

it("lets a program take the place of itself, of nobody and of the dead, and of no other", () => {
  const at = 1_010_000;
  expect(presence.mayTakeOver(up, "a", true, at)).toBe(true);
  expect(presence.mayTakeOver(up, "b", false, at)).toBe(true);
  expect(presence.mayTakeOver(up, "b", true, 1_000_000 + SILENCE_MS)).toBe(true);
  expect(presence.mayTakeOver(up, "b", true, at)).toBe(false);
});

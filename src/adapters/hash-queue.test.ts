import { expect, it } from "vitest";
import { inTurn } from "./hash-queue.ts";

/** A hasher whose work ends when the test says so. */
function slowHasher() {
  const ends: (() => void)[] = [];
  const state = { running: 0, most: 0 };
  const work = async () => {
    state.most = Math.max(state.most, ++state.running);
    await new Promise<void>((resolve) => ends.push(resolve));
    state.running--;
    return "hash";
  };
  return { ends, state, hasher: { hash: work, verify: async () => (await work()) === "hash" } };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

it("computes two hashes at once, lets four wait, and refuses the rest", async () => {
  const { ends, state, hasher } = slowHasher();
  const queued = inTurn(hasher, { atOnce: 2, waiting: 4 });
  const answers = Array.from({ length: 9 }, () => queued.hash("x").catch((error: unknown) => error));
  await turn();
  expect(state.running).toBe(2);
  const refused = await Promise.all(answers.slice(6));
  for (const error of refused)
    expect(error).toMatchObject({ kind: "unavailable", code: "BUSY", details: { retry_after: 2 } });
  for (let ended = 0; ended < 6; ended++) {
    ends.shift()!();
    await turn();
  }
  expect(await Promise.all(answers.slice(0, 6))).toEqual(Array(6).fill("hash"));
  expect(state).toEqual({ running: 0, most: 2 });
});

it("goes on after a hash that failed", async () => {
  const queued = inTurn(
    { hash: () => Promise.reject(new Error("broken")), verify: () => Promise.resolve(true) },
    { atOnce: 1, waiting: 1 },
  );
  await expect(queued.hash("x")).rejects.toThrow("broken");
  expect(await queued.verify("x", "x")).toBe(true);
});

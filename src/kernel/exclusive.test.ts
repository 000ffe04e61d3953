import { expect, it } from "vitest";
import { Exclusive } from "./exclusive.ts";

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("runs one after the other in the order they came, also behind one that fails", async () => {
  const exclusive = new Exclusive();
  const seen: string[] = [];
  const work = (name: string, ms: number) => async () => {
    seen.push(`${name} begins`);
    await later(ms);
    seen.push(`${name} ends`);
    if (name === "b") throw new Error("b failed");
    return name;
  };
  const results = await Promise.allSettled([
    exclusive.run(work("a", 10)),
    exclusive.run(work("b", 5)),
    exclusive.run(work("c", 0)),
  ]);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

it("is busy from the call on and idle when all is done", async () => {
  const exclusive = new Exclusive();
  expect(exclusive.busy).toBe(false);
  let done = 0;
  for (let i = 0; i < 3; i++) void exclusive.run(() => later(1).then(() => done++));
  expect(exclusive.busy).toBe(true);
  await exclusive.idle();
  expect([done, exclusive.busy]).toEqual([3, false]);
});

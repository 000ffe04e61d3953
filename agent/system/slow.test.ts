import { expect, it } from "vitest";
import { Slow } from "./slow.ts";

it("asks in the background, never twice at once, and again when it is time", async () => {
  let [asked, running, most] = [0, 0, 0];
  let release = () => {};
  const slow = new Slow<number | null>(
    100,
    null,
    async () => {
      asked += 1;
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => (release = resolve));
      running -= 1;
      return asked;
    },
    () => {},
  );
  const settle = async () => {
    release();
    await new Promise((resolve) => setImmediate(resolve));
  };
  expect([slow.latest(0), slow.latest(200), slow.latest(400)]).toEqual([null, null, null]);
  expect(asked).toBe(1);
  await settle();
  expect([slow.latest(401), asked]).toEqual([1, 2]);
  await settle();
  expect([slow.latest(450), asked, most]).toEqual([2, 2, 1]);
});

it("is unknown again when it cannot be found out, and says so", async () => {
  const answers = [() => 1, () => Promise.reject(new Error("gone"))];
  const complaints: unknown[] = [];
  const slow = new Slow<number | null>(
    10,
    null,
    async () => answers.shift()!(),
    (error) => complaints.push(error),
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  slow.latest(0);
  await settle();
  expect(slow.latest(20)).toBe(1);
  await settle();
  expect(slow.latest(25)).toBeNull();
  expect(complaints).toEqual([new Error("gone")]);
});

import { expect, it } from "vitest";
import { Outbox } from "./outbox.ts";

it("owes what was not acknowledged, in order, numbered without gaps", () => {
  const outbox = new Outbox();
  for (const name of ["a", "b", "c"]) outbox.add("t", name);
  outbox.acknowledge(1);
  expect(outbox.owed().map((frame) => JSON.parse(frame))).toEqual([
    { type: "event", seq: 2, topic: "t", data: "b" },
    { type: "event", seq: 3, topic: "t", data: "c" },
  ]);
  outbox.acknowledge(3);
  expect(outbox.owed()).toEqual([]);
});

it("has whoever reports too fast wait until there is room", async () => {
  const outbox = new Outbox();
  for (let i = 0; i < 5; i++) outbox.add("t", "x".repeat(1_000_000));
  let passed = false;
  const room = outbox.room().then(() => (passed = true));
  await Promise.resolve();
  expect(passed).toBe(false);
  outbox.acknowledge(2);
  await room;
  expect(outbox.owed()).toHaveLength(3);
});

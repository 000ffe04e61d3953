import { expect, it } from "vitest";
import { isRunning } from "./running-clock.ts";

it("tells a clock that moves on while code runs from one that stands still", () => {
  let looks = 0;
  expect(isRunning(() => Math.floor(looks++ / 5000))).toBe(true);
  expect(isRunning(() => 42)).toBe(false);
});

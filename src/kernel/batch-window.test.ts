import { expect, it } from "vitest";
import { BatchWindow } from "./batch-window.ts";

it("lets a lone caller through without waiting but for a probe now and then", () => {
  const window = new BatchWindow();
  let waited = 0;
  for (let i = 0; i < 320; i++) {
    if (!window.waits()) continue;
    waited++;
    window.gathered(1);
  }
  expect(waited).toBe(10);
});

it("waits from the first probe on that finds company, until several in a row stay alone", () => {
  const window = new BatchWindow();
  while (!window.waits());
  window.gathered(5);
  for (const count of [1, 1, 1, 2, 1, 1, 1]) {
    expect(window.waits()).toBe(true);
    window.gathered(count);
  }
  window.gathered(1);
  expect(window.waits()).toBe(false);
});

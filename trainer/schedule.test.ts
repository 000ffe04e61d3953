import { expect, test } from "vitest";
import { rateAt } from "./schedule.ts";
import { readSchedule } from "./regime.ts";

const rates = (epochs: number, schedule?: Record<string, unknown>) =>
  Array.from({ length: epochs }, (_, at) =>
    rateAt({ learningRate: 1, epochs, schedule: schedule && readSchedule(schedule) }, at + 1),
  );
const near = (values: number[]) => values.map((value) => expect.closeTo(value, 10));

test("without a schedule, and with a constant one, the rate is what was asked for", () => {
  expect(rates(3)).toEqual([1, 1, 1]);
  expect(rates(3, {})).toEqual([1, 1, 1]);
});

test("warm-up rises in equal steps and then hands over", () => {
  expect(rates(6, { warmup_epochs: 3 })).toEqual(near([0.25, 0.5, 0.75, 1, 1, 1]));
  expect(rates(2, { warmup_epochs: 3 })).toEqual(near([0.25, 0.5]));
});

test("step multiplies every so many epochs", () => {
  expect(rates(6, { type: "step", step_epochs: 2, gamma: 0.1 })).toEqual(near([1, 1, 0.1, 0.1, 0.01, 0.01]));
});

test("cosine falls to its least rate in the last epoch", () => {
  expect(rates(5, { type: "cosine" })).toEqual(
    near([1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2, 0]),
  );
  expect(rates(4, { type: "cosine", warmup_epochs: 1, min_lr: 0.2 })).toEqual(near([0.5, 1, 0.6, 0.2]));
  expect(rates(2, { type: "cosine", warmup_epochs: 1 })).toEqual(near([0.5, 1]));
});

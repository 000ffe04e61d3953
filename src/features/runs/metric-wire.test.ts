import { expect, it } from "vitest";
import { pointAt, sequence } from "./metric-columns.ts";
import { presentPoint, readPoints, stampPoints } from "./metric-wire.ts";

const NOW = Date.parse("2026-01-02T03:04:05.678Z");
const roundTrip = (body: unknown) => {
  const columns = sequence(stampPoints(readPoints(body), NOW), 1);
  return Array.from({ length: columns.steps.length }, (_, i) => presentPoint(pointAt(columns, i)));
};

it("gives a point back as it came, with its number and its time", () => {
  const point = { epoch: 1, step: 2, loss: "NaN", lr: 1e-3, custom: { "µ/σ": "-Infinity", f1: 0 } };
  expect(roundTrip(point)).toEqual([{ seq: 1, ...point, timestamp: "2026-01-02T03:04:05.678Z" }]);
});

it("keeps a batch's order and the times it names", () => {
  const points = [3, 1, 2].map((step) => ({ epoch: 0, step, timestamp: `2026-01-0${step}T00:00:00+01:00` }));
  const read = roundTrip({ points });
  expect(read.map(({ step }) => step)).toEqual([3, 1, 2]);
  expect(read[1]!.timestamp).toBe("2025-12-31T23:00:00.000Z");
});

it("leaves out what is null", () => {
  expect(roundTrip({ epoch: 0, step: 0, loss: null, custom: null, timestamp: null })[0]).toEqual({
    ...{ seq: 1, epoch: 0, step: 0, custom: {}, timestamp: "2026-01-02T03:04:05.678Z" },
  });
});

it.each([
  ["no object", "text"],
  ["a step beyond exact integers", { epoch: 0, step: 2 ** 53 }],
  ["a fraction of a step", { epoch: 0, step: 0.5 }],
  ["a step that is NaN by name", { epoch: 0, step: "NaN" }],
  ["a number as text", { epoch: 0, step: 0, loss: "1" }],
  ["a reserved name", { epoch: 0, step: 0, custom: JSON.parse('{"__proto__": 1}') }],
  ["an empty name", { epoch: 0, step: 0, custom: { "": 1 } }],
  ["a long name", { epoch: 0, step: 0, custom: { ["x".repeat(101)]: 1 } }],
  ["a date without a time", { epoch: 0, step: 0, timestamp: "2026-01-02" }],
  ["a point among points that is none", { points: [{ epoch: 0, step: 0 }, null] }],
])("refuses %s", (_, body) => {
  expect(() => readPoints(body)).toThrow("The body is not valid");
});

// Postgres cannot hold them, and the archive of a run would stop for good at the first of them.
it.each(["a\0b", "half \ud83e"])("refuses the name %j", (key) => {
  expect(() => readPoints({ epoch: 0, step: 0, custom: { [key]: 1 } })).toThrow("The body is not valid");
});

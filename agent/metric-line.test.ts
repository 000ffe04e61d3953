import { expect, it } from "vitest";
import { readPoints } from "../src/features/runs/metric-wire.ts";
import { MalformedLine, MetricLines } from "./metric-line.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");
const read = (line: string) => new MetricLines().read(line, NOW);
const timestamp = NOW.toISOString();

it("keeps the standard names apart and puts all others under custom", () => {
  expect(
    read('{"step": 1, "epoch": 2, "loss": 0.5, "any_name": 1.2, "custom": {"f1": 3}, "lr": null}'),
  ).toEqual({
    step: 1,
    epoch: 2,
    loss: 0.5,
    custom: { any_name: 1.2, f1: 3 },
    timestamp,
  });
});

it("counts steps for whoever does not", () => {
  const lines = new MetricLines();
  const steps = ['{"loss": 1}', '{"loss": 1}', '{"step": 10}', '{"loss": 1}'].map(
    (line) => lines.read(line, NOW).step,
  );
  expect(steps).toEqual([0, 1, 10, 11]);
});

it("reads what Python writes for numbers that are none", () => {
  expect(read('{"step":0,"loss": NaN, "a": -Infinity, "b":Infinity}')).toMatchObject({
    loss: "NaN",
    custom: { a: "-Infinity", b: "Infinity" },
  });
  expect(read('{"step":0,"loss": 1e999}')).toMatchObject({ loss: "Infinity" });
});

const MALFORMED = [
  ...[
    "nonsense",
    "{",
    "[]",
    "null",
    "7",
    '"text"',
    "{NaN}",
    '{"step": -1}',
    '{"step": 1.5}',
    '{"step": "1"}',
  ],
  ...[
    '{"epoch": 1e300}',
    '{"step": NaN}',
    '{"loss": "low"}',
    '{"loss": true}',
    '{"x": {}}',
    '{"custom": [1]}',
  ],
  ...['{"__proto__": 1}', '{"": 1}', '{"a\\u0000b": 1}', '{"\\ud800": 1}', '{"timestamp": "yesterday"}'],
  ...[`{"${"x".repeat(101)}": 1}`, '{"timestamp": 5}', '{"timestamp": "2026-99-99T00:00:00Z"}'],
  JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, i]))),
];

it.each(MALFORMED)("refuses %s", (line) => {
  expect(() => read(line)).toThrow(MalformedLine);
});

it.each([
  ...['{"step":1}', '{"loss":0.5}', '{"loss":NaN,"x":-Infinity}', '{"custom":{"loss":1}}', '{"custom":null}'],
  ...['{"constructor":1,"toString":2}', '{"step":9007199254740991,"epoch":0}', '{"x":-0,"step":-0}'],
  ...['{"timestamp":"2026-01-02T03:04:05+02:00","type":"metrics","n":4}', `{"${"ü".repeat(100)}":1}`],
])("what it takes of %s the server takes too", (line) => {
  expect(() => readPoints({ points: [JSON.parse(JSON.stringify(read(line)))] })).not.toThrow();
});

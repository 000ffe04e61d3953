import { expect, it } from "vitest";
import { expose, histogramSamples } from "./exposition.ts";

it("writes families with their help and type, and leaves out those nothing is known of", () => {
  const text = expose([
    {
      name: "a_total",
      type: "counter",
      help: "Of a.",
      samples: [{ value: 3 }, { labels: { x: "1" }, value: 0.5 }],
    },
    { name: "nothing", type: "gauge", help: "Unknown.", samples: [] },
  ]);
  expect(text).toBe('# HELP a_total Of a.\n# TYPE a_total counter\na_total 3\na_total{x="1"} 0.5\n');
});

it("escapes what would break a line, or out of a label", () => {
  const [help, , sample] = expose([
    {
      ...{ name: "a", type: "gauge", help: 'back\\slash,\n"quotes"' },
      samples: [{ labels: { x: 'a"b\\c\nd', y: 'z"} 1\nforged 2' }, value: 1 }],
    },
  ]).split(/(?<=[^\\])\n/);
  expect(help).toBe('# HELP a back\\\\slash,\\n"quotes"');
  expect(sample).toBe('a{x="a\\"b\\\\c\\nd",y="z\\"} 1\\nforged 2"} 1');
});

it("spells infinity and nothing as Go does", () => {
  const values = [Infinity, -Infinity, NaN, 1e21, 1e-7].map((value) => ({ value }));
  const lines = expose([{ name: "a", type: "gauge", help: "h", samples: values }])
    .split("\n")
    .slice(2, -1);
  expect(lines).toEqual(["a +Inf", "a -Inf", "a NaN", "a 1e+21", "a 1e-7"]);
});

it("makes a histogram's counts cumulative, up to infinity", () => {
  const samples = histogramSamples({ r: "/" }, { bounds: [0.1, 1], buckets: [2, 0, 3], sum: 7 });
  expect(samples.map(({ suffix, labels, value }) => [suffix, labels!["le"], value])).toEqual([
    ["_bucket", "0.1", 2],
    ["_bucket", "1", 2],
    ["_bucket", "+Inf", 5],
    ["_sum", undefined, 7],
    ["_count", undefined, 5],
  ]);
});

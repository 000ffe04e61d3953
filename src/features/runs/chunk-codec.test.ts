import { expect, it } from "vitest";
import { decodeLogs, decodeMetrics, encodeLogs, encodeMetrics, metricBytes } from "./chunk-codec.ts";
import { ColumnBuilder, sequence } from "./metric-columns.ts";

const NUMBERS = [0, -0, 1, -1.5, NaN, Infinity, -Infinity, Number.MAX_SAFE_INTEGER, Number.MIN_VALUE, 1e308];

function columnsOf(points: Record<string, number>[]) {
  const builder = new ColumnBuilder(points.length);
  points.forEach((values, i) => {
    builder.add(i * 7, i, 1_767_323_045_678 + i);
    for (const [key, value] of Object.entries(values)) builder.set(key, value);
  });
  return sequence(builder.build(), 2 ** 40);
}

it("keeps every number to the bit", () => {
  const columns = columnsOf(NUMBERS.map((value) => ({ value })));
  const decoded = decodeMetrics(encodeMetrics(columns));
  expect(decoded).toEqual(columns);
  NUMBERS.forEach((value, i) => expect(Object.is(decoded.series[0]!.values[i], value)).toBe(true));
});

it("keeps which point has which key", () => {
  const columns = columnsOf([{ a: 1 }, { b: 2, c: 3 }, {}, { a: 4, b: 5, c: 6 }]);
  expect(decodeMetrics(encodeMetrics(columns))).toEqual(columns);
});

it.each(["", "µ/σ", "模型 🧠", 'quote " and \\', "line\nbreak", "x".repeat(100)])(
  "keeps the key %j",
  (key) => {
    const columns = columnsOf([{ [key]: 1 }]);
    expect(decodeMetrics(encodeMetrics(columns)).series[0]!.key).toBe(key);
  },
);

it("keeps points without any key", () => {
  expect(decodeMetrics(encodeMetrics(columnsOf([{}, {}])))).toEqual(columnsOf([{}, {}]));
});

it("reads bytes that begin anywhere in their buffer", () => {
  const columns = columnsOf([{ a: 1, bc: 2 }, { a: 3 }]);
  const bytes = encodeMetrics(columns);
  for (let offset = 0; offset < 8; offset++) {
    const buffer = new Uint8Array(bytes.length + 16);
    buffer.set(bytes, offset);
    expect(decodeMetrics(buffer.subarray(offset, offset + bytes.length))).toEqual(columns);
  }
});

it("never needs more bytes than foretold", () => {
  const columns = columnsOf([{ a: 1 }, { b: 2 }, { c: 3 }]);
  const bytes = encodeMetrics(columns);
  const header = 4 + new DataView(bytes.buffer).getUint32(0, true) + 7;
  expect(bytes.length).toBeLessThanOrEqual(metricBytes(3, 3) + header);
});

it("refuses a version it does not know", () => {
  const bytes = encodeMetrics(columnsOf([{ a: 1 }]));
  bytes.set(Buffer.from('"v":2'), Buffer.from(bytes).indexOf('"v":1'));
  expect(() => decodeMetrics(bytes)).toThrow("version 2");
});

it("keeps log lines of any text", () => {
  const messages = [
    "",
    "plain",
    "two\nlines\r\n",
    "\0\u0001\u2028",
    "模型 🧠",
    '"quotes" \\n',
    "half \ud83e",
  ];
  const lines = messages.map((message, i) => ({ seq: 10 + i, timestamp: i, level: "INFO", message }));
  expect(decodeLogs(encodeLogs(lines))).toEqual(lines);
});

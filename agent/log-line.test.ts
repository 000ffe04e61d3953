import { expect, it } from "vitest";
import { readLogLine } from "./log-line.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");
const timestamp = NOW.toISOString();
const read = (line: string) => readLogLine(line, "INFO", NOW);

it.each([
  ["plain", { level: "INFO", message: "plain", timestamp }],
  ["", { level: "INFO", message: "", timestamp }],
  ["1%\r50%\r100%\r", { level: "INFO", message: "100%", timestamp }],
  ['{"message": "m", "level": "warning"}', { level: "WARNING", message: "m", timestamp }],
  ['{"message": "m", "level": " "}', { level: "INFO", message: "m", timestamp }],
  ['{"message": "m", "level": 5, "timestamp": 7}', { level: "INFO", message: "m", timestamp }],
  [
    '{"message": "m", "timestamp": "2026-01-01T00:00:00+01:00"}',
    { level: "INFO", message: "m", timestamp: "2025-12-31T23:00:00.000Z" },
  ],
  ['{"message": "m", "timestamp": "2026-13-01T00:00:00Z"}', { level: "INFO", message: "m", timestamp }],
  ['{"message": 5}', { level: "INFO", message: '{"message": 5}', timestamp }],
  ['{"broken": ', { level: "INFO", message: '{"broken": ', timestamp }],
  ["a\0b", { level: "INFO", message: "a\ufffdb", timestamp }],
])("%j", (line, expected) => expect(read(line)).toEqual(expected));

it("bounds level and message", () => {
  const { level, message } = read(JSON.stringify({ level: "x".repeat(100), message: "😀".repeat(9000) }));
  expect([level.length, message.length]).toEqual([20, 16_000]);
  expect(read(JSON.stringify({ message: `${"x".repeat(15_999)}😀` })).message.isWellFormed()).toBe(true);
});

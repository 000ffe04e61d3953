import { expect, it } from "vitest";
import { AppError } from "../kernel/errors.ts";
import { parseRange } from "./range.ts";

it.each([
  ["bytes=0-", 0, 99],
  ["bytes=0-0", 0, 0],
  ["bytes=99-99", 99, 99],
  ["bytes=10-19", 10, 19],
  ["bytes=90-1000", 90, 99],
  ["bytes=-1", 99, 99],
  ["bytes=-100", 0, 99],
  ["bytes=-1000", 0, 99],
  [" bytes=1-2 ", 1, 2],
  ["BYTES=1-2", 1, 2],
  ["bytes=007-8", 7, 8],
  [`bytes=1-${"9".repeat(400)}`, 1, 99],
])("reads %s of 100 bytes as %i to %i", (header, start, end) => {
  expect(parseRange(header, 100)).toEqual({ start, end });
});

it.each([
  null,
  "",
  "bytes",
  "bytes=",
  "bytes=-",
  "bytes=a-b",
  "bytes=1",
  "bytes=0-1,3-4",
  "bytes=-1-2",
  "items=0-1",
])("takes %s for no range at all", (header) => {
  expect(parseRange(header, 100)).toBeUndefined();
});

it.each(["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=5-4", `bytes=${"9".repeat(400)}-`])(
  "refuses %s of 100 bytes and says how many there are",
  (header) => {
    try {
      parseRange(header, 100);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      expect(error).toMatchObject({ kind: "range_not_satisfiable", details: { size: 100 } });
    }
  },
);

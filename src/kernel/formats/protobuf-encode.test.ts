import { expect, test } from "vitest";
import { intField, littleEndianFloats, messageField, stringField, varint } from "./protobuf-encode.ts";

// The examples of https://protobuf.dev/programming-guides/encoding/.
test("encodes the examples of the specification", () => {
  expect(varint(1)).toEqual([0x01]);
  expect(varint(150)).toEqual([0x96, 0x01]);
  expect([...intField(1, 150)]).toEqual([0x08, 0x96, 0x01]);
  expect([...stringField(2, "testing")]).toEqual([0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]);
  expect([...messageField(3, [intField(1, 150)])]).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
});

test("encodes the limits", () => {
  expect(varint(0)).toEqual([0]);
  expect(varint(127)).toEqual([127]);
  expect(varint(128)).toEqual([128, 1]);
  expect(varint(2 ** 53 - 1)).toEqual([255, 255, 255, 255, 255, 255, 255, 15]);
  expect(varint(-1)).toEqual([...Array(9).fill(255), 1]);
  expect([...intField(20, 2)]).toEqual([0xa0, 0x01, 0x02]);
  expect([...stringField(1, "é")]).toEqual([0x0a, 0x02, 0xc3, 0xa9]);
});

test("writes floats in little-endian order", () => {
  expect([...littleEndianFloats([1, -2])]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
});

import { expect, it } from "vitest";
import { Scrollback } from "./scrollback.ts";

const text = ({ offset, bytes }: { offset: number; bytes: Uint8Array }) => [
  offset,
  String(Buffer.from(bytes)),
];

it("gives what is kept from a place on, and says where it begins", () => {
  const scrollback = new Scrollback();
  scrollback.add(Buffer.from("hello "));
  scrollback.add(Buffer.from("world"));
  expect(text(scrollback.from(0))).toEqual([0, "hello world"]);
  expect(text(scrollback.from(8))).toEqual([8, "rld"]);
  expect(text(scrollback.from(99))).toEqual([11, ""]);
  expect(scrollback.end).toBe(11);
});

it("lets go of the oldest, and keeps counting", () => {
  const scrollback = new Scrollback();
  for (let i = 0; i < 1000; i++) scrollback.add(Buffer.alloc(1000, i % 256));
  const { offset, bytes } = scrollback.from(0);
  expect(offset + bytes.length).toBe(1_000_000);
  expect(bytes.length).toBeGreaterThanOrEqual(256_000);
  expect(bytes.length).toBeLessThanOrEqual(257_000);
  expect(bytes[0]).toBe((offset / 1000) % 256);
});

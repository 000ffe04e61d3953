import { expect, it } from "vitest";
import { AppError } from "./errors.ts";
import { decodeCursor, encodeCursor, isId, paged } from "./page.ts";

const ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const cursorOf = (text: string) => Buffer.from(text).toString("base64url");
const row = (id: string) => ({ id, createdAt: new Date("2026-01-02T03:04:05.678Z") });

it("finds its way back from every cursor it gives out", () => {
  for (const at of ["2026-01-02T03:04:05.678Z", "1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"]) {
    const cursor = encodeCursor({ at, id: ID });
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(decodeCursor(cursor)).toEqual({ at, id: ID });
  }
});

it.each([
  ["nothing", ""],
  ["no base64", "%%%"],
  ["a character beyond Latin-1", "🧠"],
  ["text", cursorOf("hello")],
  ["no id", cursorOf("2026-01-02T03:04:05.678Z|")],
  ["an id that is none", cursorOf("2026-01-02T03:04:05.678Z|1")],
  ["a third part", cursorOf(`2026-01-02T03:04:05.678Z|${ID}|x`)],
  ["no time", cursorOf(`yesterday|${ID}`)],
  ["a month that is none", cursorOf(`2026-13-01T00:00:00.000Z|${ID}`)],
  ["a year before Christ, which Postgres writes otherwise", cursorOf(`-200000-01-01T00:00:00Z|${ID}`)],
  ["a year beyond Postgres's", cursorOf(`+275760-01-01T00:00:00Z|${ID}`)],
  ["the year zero, which Postgres does not know", cursorOf(`0000-01-01T00:00:00.000Z|${ID}`)],
  ["SQL", cursorOf(`2026-01-02T03:04:05.678Z|${ID}' or '1'='1`)],
])("refuses a cursor that is %s", (_, cursor) => {
  expect(() => decodeCursor(cursor)).toThrow(AppError);
});

it("gives a next page only when there is one row more than asked for", () => {
  expect(paged([row("a"), row("b")], 2)).toEqual({ items: [row("a"), row("b")] });
  const { items, next } = paged([row("a"), row(ID), row("c")], 2);
  expect(items).toEqual([row("a"), row(ID)]);
  expect(decodeCursor(next!)).toEqual({ at: "2026-01-02T03:04:05.678Z", id: ID });
  expect(paged([], 1)).toEqual({ items: [] });
});

it("knows an id by its form", () => {
  for (const id of [ID, ID.toUpperCase(), "00000000-0000-0000-0000-000000000000"])
    expect(isId(id)).toBe(true);
  for (const id of ["", "1", `${ID}\n`, ` ${ID}`, ID.replaceAll("-", ""), `{${ID}}`])
    expect(isId(id)).toBe(false);
});

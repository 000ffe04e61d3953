import { expect, it } from "vitest";
import { isForeignKeyViolation, isUniqueViolation, isUnstorableText } from "./postgres-error.ts";

const failed = (code: unknown, message = "failed") =>
  new Error("Failed query", {
    cause: new Error("wrapped", { cause: Object.assign(new Error(message), { code }) }),
  });

it("finds the SQLSTATE however deep it is wrapped", () => {
  expect([isUniqueViolation(failed("23505")), isForeignKeyViolation(failed("23505"))]).toEqual([true, false]);
  expect([isUniqueViolation(failed("23503")), isForeignKeyViolation(failed("23503"))]).toEqual([false, true]);
});

it("knows a text that cannot be stored from any other fault of ours", () => {
  expect(isUnstorableText(failed("22021", "invalid byte sequence for encoding"))).toBe(true);
  expect(isUnstorableText(failed("22P05", "unsupported Unicode escape sequence"))).toBe(true);
  expect(isUnstorableText(failed("22P02", "invalid input syntax for type json"))).toBe(true);
  expect(isUnstorableText(failed("22P02", 'invalid input syntax for type uuid: "json"'))).toBe(false);
  expect(isUnstorableText(failed("23505"))).toBe(false);
});

it.each([undefined, null, "23505", { code: "23505" }, new Error("x"), failed(23_505), failed("ECONNRESET")])(
  "makes nothing of %s",
  (error) => {
    expect([isUniqueViolation(error), isForeignKeyViolation(error), isUnstorableText(error)]).toEqual([
      ...[false, false, false],
    ]);
  },
);

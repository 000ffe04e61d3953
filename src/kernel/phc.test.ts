import { expect, it } from "vitest";
import { equalBytes, formatPhc, parsePhc } from "./phc.ts";

// The first vector of RFC 9106, section 5.3, without secret and data, as the reference implementation writes it.
const PHC =
  "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

it("reads what it writes, to the byte", () => {
  const parsed = parsePhc(PHC)!;
  expect(parsed).toMatchObject({ memoryKib: 19_456, passes: 2, lanes: 1 });
  expect(new TextDecoder().decode(parsed.salt)).toBe("somesaltsomesalt");
  expect(parsed.hash).toHaveLength(32);
  expect(formatPhc(parsed)).toBe(PHC);
});

it("keeps every byte of salt and hash", () => {
  const salt = Uint8Array.from({ length: 64 }, (_, i) => i * 4);
  const hash = Uint8Array.from({ length: 64 }, (_, i) => 255 - i);
  const parsed = parsePhc(formatPhc({ memoryKib: 64, passes: 1, lanes: 1, salt, hash }))!;
  expect([parsed.salt, parsed.hash]).toEqual([salt, hash]);
});

it.each([
  ["another kind", PHC.replace("argon2id", "argon2i")],
  ["another version", PHC.replace("v=19", "v=16")],
  ["no version", PHC.replace("v=19$", "")],
  ["more memory than allowed", PHC.replace("m=19456", "m=65537")],
  ["more passes than allowed", PHC.replace("t=2", "t=11")],
  ["more lanes than allowed", PHC.replace("p=1", "p=5")],
  ["no passes", PHC.replace("t=2", "t=0")],
  ["no lanes", PHC.replace("p=1", "p=0")],
  ["less memory than its lanes need", PHC.replace("m=19456", "m=7")],
  ["a negative cost", PHC.replace("t=2", "t=-2")],
  ["a salt that is too short", PHC.replace("c29tZXNhbHRzb21lc2FsdA", "c29t")],
  ["a hash that is no base64", PHC.replace("CTFh", "CT!h")],
  ["something behind it", `${PHC}$x`],
  ["a line break behind it", `${PHC}\n`],
  ["nothing", ""],
])("reads nothing out of a hash with %s", (_, phc) => {
  expect(parsePhc(phc)).toBeUndefined();
});

it("tells equal bytes from others, wherever they differ", () => {
  const bytes = Uint8Array.from([1, 2, 3]);
  expect(equalBytes(bytes, Uint8Array.from([1, 2, 3]))).toBe(true);
  for (const other of [[0, 2, 3], [1, 2, 2], [1, 2], [1, 2, 3, 0], []])
    expect(equalBytes(bytes, Uint8Array.from(other))).toBe(false);
});

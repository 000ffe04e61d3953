import { expect, it } from "vitest";
import { formatRecoveryCodes, newRecoveryCode, plainRecoveryCode } from "./recovery-code.ts";

it("uses all 32 letters about as often as each other, and never the same code", () => {
  const codes = Array.from({ length: 2_000 }, newRecoveryCode);
  expect(new Set(codes).size).toBe(2_000);
  const counts = Map.groupBy(codes.join("").replaceAll("-", ""), (letter) => letter);
  expect([...counts.keys()].toSorted().join("")).toBe("23456789ABCDEFGHJKLMNPQRSTUVWXYZ");
  // 32,000 letters: a thousand each, give or take six standard deviations.
  for (const found of counts.values()) expect(Math.abs(found.length - 1_000)).toBeLessThan(190);
});

it("is the same code however it is typed", () => {
  for (const typed of ["ABCD-EF23-4567-GHJK", " abcd ef23 4567 ghjk", "abcdef234567ghjk"])
    expect(plainRecoveryCode(typed)).toBe("ABCDEF234567GHJK");
});

it("numbers the codes", () => {
  expect(formatRecoveryCodes(["A", "B"])).toBe("1. A\n2. B");
});

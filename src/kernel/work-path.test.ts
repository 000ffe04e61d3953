import { expect, it } from "vitest";
import { isWorkPath } from "./work-path.ts";

it.each([
  "a",
  "model.onnx",
  "a/b/c.txt",
  "…/ü",
  ".hidden",
  "..a",
  "a..",
  "a b",
  "C:",
  `a/${"b".repeat(255)}`,
])("%j stays in its folder", (path) => expect(isWorkPath(path)).toBe(true));

it.each([
  ...["", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a\\b", "..\\a", "a\0b", "a\nb"],
  ...["\ud800", "a".repeat(256), "ab/".repeat(171) + "a", "ü".repeat(128)],
])("%j does not, or is no path at all", (path) => expect(isWorkPath(path)).toBe(false));

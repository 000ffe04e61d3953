import { expect, it } from "vitest";
import { repeatable } from "./quickjs.source.ts";

it.each([
  ["let a = 1;", "var a = 1;"],
  ["const { b, c: [d] } = e, f = 2", "var   { b, c: [d] } = e, f = 2"],
  ["class A extends B { x = 1 }", "var A = class A extends B { x = 1 };"],
  ["{ let a = 1 }", "{ let a = 1 }"],
  ["for (let i of [1]) {}", "for (let i of [1]) {}"],
  ["function f() { const a = 1 }", "function f() { const a = 1 }"],
  ["await f(); let a = await g()", "await f(); var a = await g()"],
  ["let\n  a\n  = 1\nconst b = `let c = 1`", "var\n  a\n  = 1\nvar   b = `let c = 1`"],
  ["let = 5; let", "let = 5; let"],
  ["let a = ", "let a = "],
  ["'a let b'; /const c/; // let d", "'a let b'; /const c/; // let d"],
])("%j becomes %j", (source, expected) => {
  expect(repeatable(source)).toBe(expected);
});

it("leaves what is nested beyond all bounds to the interpreter", () => {
  const deep = "(".repeat(200_000);
  expect(repeatable(deep)).toBe(deep);
});

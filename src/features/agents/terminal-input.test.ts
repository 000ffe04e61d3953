import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { decodeFrame } from "../../kernel/terminal-frames.ts";
import { TerminalInput } from "./terminal-input.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function typist() {
  const said: [offset: number, text: string][] = [];
  const input = new TerminalInput((frame) => {
    const { offset, bytes } = decodeFrame(frame)!;
    said.push([offset, String(Buffer.from(bytes))]);
  });
  const type = (text: string, place: number | null = 0) => input.type("t", 7, place, Buffer.from(text));
  return { input, said, type };
}

it("says again what the agent has not said it has, and sleeps when there is nothing of that kind", () => {
  const { input, said, type } = typist();
  for (const text of ["ab", "c", "def"]) type(text);
  expect(said).toEqual([
    [0, "ab"],
    [2, "c"],
    [3, "def"],
  ]);
  said.length = 0;
  input.took(7, 3);
  input.repeat();
  expect(said).toEqual([[3, "def"]]);
  expect([input.place("t"), vi.getTimerCount()]).toEqual([6, 1]);
  input.took(7, 6);
  expect(vi.getTimerCount()).toBe(0);
});

it("goes on where whoever types knows that it was, after it slept", () => {
  const { said, type } = typist();
  type("x", 41);
  expect(said).toEqual([[41, "x"]]);
});

it("waits for the agent's word where nobody knows", () => {
  const { input, said, type } = typist();
  type("early", null);
  expect(said).toEqual([]);
  input.know("t", 7, 12);
  // What it says later is not about these.
  input.know("t", 7, 0);
  type("late", null);
  expect(said).toEqual([
    [12, "early"],
    [17, "late"],
  ]);
});

it("takes no more than can wait", () => {
  const { type } = typist();
  expect(type("x".repeat(1_000_000))).toBe(true);
  expect(type("x")).toBe(false);
});

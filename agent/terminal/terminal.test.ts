import type { IPty } from "@lydell/node-pty";
import { afterEach, beforeEach, expect, it as vitestIt, vi } from "vitest";
import { Terminal, type TerminalEnd } from "./terminal.ts";

const it = vitestIt.skipIf(process.platform === "win32");
const LEADER = 4_000_000;
const LIMITS = { idleMs: 60_000, maxMs: 600_000, detachedMs: 300_000 };

let signals: unknown[];
beforeEach(() => {
  vi.useFakeTimers();
  signals = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A terminal whose shell has become another user's: nobody may signal it. */
function open() {
  vi.spyOn(process, "kill").mockImplementation((pid, signal) => {
    signals.push([pid, signal]);
    throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
  });
  const destroy = vi.fn<() => void>();
  let exit: (how: { exitCode: number }) => void = () => undefined;
  const pty = { pid: LEADER, destroy, onData: () => {}, onExit: (heard: typeof exit) => (exit = heard) };
  const [ends, logged]: [TerminalEnd[], string[]] = [[], []];
  const terminal = new Terminal(1, pty as unknown as IPty, LIMITS, {
    send: () => undefined,
    clearAway: async () => undefined,
    ended: (end) => void ends.push(end),
    log: (text) => void logged.push(text),
  });
  return { terminal, destroy, ends, logged, exit: () => exit({ exitCode: 0 }) };
}

it("ends though its shell may not be signalled, and tells of that", async () => {
  const { destroy, ends, logged, exit } = open();
  await vi.advanceTimersByTimeAsync(LIMITS.idleMs + 10_000);
  expect(ends).toMatchObject([{ reason: "idle", exit_code: null, signal: null }]);
  expect(logged).toEqual([expect.stringContaining("could not be ended")]);
  expect(destroy).toHaveBeenCalledOnce();
  // The shell that goes after all, on losing its terminal, is no second end.
  exit();
  await vi.advanceTimersByTimeAsync(1);
  expect(ends).toHaveLength(1);
});

it("is killed when it does not go on being closed", async () => {
  const { terminal } = open();
  terminal.close("closed");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(signals).toEqual([
    [-LEADER, "SIGHUP"],
    [-LEADER, "SIGKILL"],
  ]);
});

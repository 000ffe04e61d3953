import type { IPty } from "@lydell/node-pty";
import { encodeFrame, FrameKind, wholeCharacters } from "../../src/kernel/terminal-frames.ts";
import { sendSignal } from "../work/send-signal.ts";
import { Scrollback } from "./scrollback.ts";

/** How a terminal ended. */
export interface TerminalEnd {
  exit_code: number | null;
  signal: number | null;
  reason: "exit" | "idle" | "time" | "closed" | "abandoned" | "drained";
  bytes_out: number;
  bytes_in: number;
  /** The last of what it said, if it may not have arrived, in Base64. */
  tail?: { offset: number; text: string };
}

export interface TerminalLimits {
  /** Without a key pressed. */
  idleMs: number;
  maxMs: number;
  /** Without anybody looking. */
  detachedMs: number;
}

export interface TerminalHost {
  send(frame: Uint8Array): void;
  ended(end: TerminalEnd): void;
  log(text: string): void;
  /** Ends whatever the shell has left behind. */
  clearAway(): Promise<void>;
}

/** What may be on its way without anybody having seen it; beyond that the program has to wait. */
const WINDOW_BYTES = 128_000;
const FRAME_BYTES = 32_000;
const KILL_AFTER_MS = 2_000;
/** How long the other side has to keep what was typed: behind the echo, so as not to hold it up. */
const TAKEN_AFTER_MS = 100;

/** One shell in a pseudo-terminal. It outlives the connections to it, and is ended when nobody needs it any more. */
export class Terminal {
  readonly channel: number;
  readonly #pty: IPty;
  readonly #host: TerminalHost;
  readonly #limits: TerminalLimits;
  readonly #scrollback = new Scrollback();
  readonly #timers = new Map<TerminalEnd["reason"], NodeJS.Timeout>();
  #rest: Uint8Array = new Uint8Array();
  #seen = 0;
  #bytesIn = 0;
  #isPaused = false;
  #taking: NodeJS.Timeout | undefined;
  #reason: TerminalEnd["reason"] = "exit";
  #isOver = false;

  constructor(channel: number, pty: IPty, limits: TerminalLimits, host: TerminalHost) {
    this.channel = channel;
    this.#pty = pty;
    this.#host = host;
    this.#limits = limits;
    // Opened with `encoding: null`, it hands out bytes, whatever its types say.
    pty.onData((data) => this.#say(data as unknown as Uint8Array));
    pty.onExit(({ exitCode, signal }) => void this.#end(exitCode, signal));
    this.#expire("time", limits.maxMs);
    this.#expire("idle", limits.idleMs);
  }

  /** All that is kept of what it said, for somebody who begins to look. */
  attach(): { offset: number; bytes: Uint8Array; typed: number } {
    clearTimeout(this.#timers.get("abandoned"));
    this.#timers.delete("abandoned");
    return { ...this.#scrollback.from(0), typed: this.#bytesIn };
  }

  /** Nobody looks any more; to hear it again gives no more time. */
  detach(): void {
    if (!this.#timers.has("abandoned")) this.#expire("abandoned", this.#limits.detachedMs);
  }

  /** Takes what was typed from `offset` on; what comes twice counts once. */
  write(offset: number, bytes: Uint8Array): void {
    const fresh = bytes.subarray(Math.max(0, this.#bytesIn - offset));
    this.#taking ??= setTimeout(() => this.#take(), TAKEN_AFTER_MS);
    if (fresh.length === 0) return;
    this.#bytesIn = offset + bytes.length;
    this.#expire("idle", this.#limits.idleMs);
    this.#pty.write(Buffer.from(fresh) as unknown as string);
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows);
  }

  /** Somebody has seen everything before `offset`. */
  see(offset: number): void {
    this.#seen = Math.min(Math.max(this.#seen, offset), this.#scrollback.end);
    if (!this.#isPaused || this.#scrollback.end - this.#seen > WINDOW_BYTES / 2) return;
    this.#isPaused = false;
    this.#pty.resume();
  }

  /** Says again what may not have arrived. */
  repeat(): void {
    const { offset, bytes } = this.#scrollback.from(this.#seen);
    this.#send(offset, bytes);
  }

  /** Hangs up on everything in it; what does not go is killed, and what cannot be killed is left without a terminal. */
  close(reason: TerminalEnd["reason"]): void {
    if (this.#reason !== "exit") return;
    this.#reason = reason;
    this.#signal("SIGHUP");
    this.#later(() => this.#kill());
  }

  #later(step: () => void): void {
    this.#timers.set("closed", setTimeout(step, KILL_AFTER_MS));
  }

  #kill(): void {
    this.#signal("SIGKILL");
    this.#later(() => this.#giveUp());
  }

  /** A shell can become somebody else's whom the agent may not signal, by sudo for one. */
  #giveUp(): void {
    this.#host.log("its shell could not be ended: it may be another user's now; it has lost its terminal");
    // Unix's terminals have it, whatever their types say.
    (this.#pty as IPty & { destroy?(): void }).destroy?.();
    void this.#end(null, undefined);
  }

  /** The other side need not keep what was typed so far. */
  #take(): void {
    this.#taking = undefined;
    const { channel } = this;
    const bytes = new Uint8Array();
    this.#host.send(encodeFrame({ kind: FrameKind.credit, channel, offset: this.#bytesIn, bytes }));
  }

  #say(data: Uint8Array): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, data]) : data;
    const whole = wholeCharacters(bytes);
    this.#rest = bytes.subarray(whole);
    this.#keep(bytes.subarray(0, whole));
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const offset = this.#scrollback.end;
    this.#scrollback.add(bytes);
    this.#send(offset, bytes);
    if (this.#isPaused || this.#scrollback.end - this.#seen < WINDOW_BYTES) return;
    this.#isPaused = true;
    this.#pty.pause();
  }

  #send(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
      const part = bytes.subarray(at, at + FRAME_BYTES);
      const { channel } = this;
      this.#host.send(encodeFrame({ kind: FrameKind.output, channel, offset: offset + at, bytes: part }));
    }
  }

  #expire(reason: TerminalEnd["reason"], ms: number): void {
    clearTimeout(this.#timers.get(reason));
    this.#timers.set(
      reason,
      setTimeout(() => this.close(reason), ms),
    );
  }

  #signal(signal: "SIGHUP" | "SIGKILL"): void {
    if (process.platform === "win32") this.#pty.kill();
    else sendSignal(-this.#pty.pid, signal);
  }

  async #end(exitCode: number | null, signal: number | undefined): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    clearTimeout(this.#taking);
    // What ignores the hang-up, or has left the session, ends with the terminal all the same.
    await this.#host.clearAway();
    this.#keep(this.#rest);
    const { offset, bytes } = this.#scrollback.from(this.#seen);
    const text = Buffer.from(bytes).toString("base64");
    this.#host.ended({
      exit_code: signal ? null : exitCode,
      signal: signal || null,
      reason: this.#reason,
      bytes_out: this.#scrollback.end,
      bytes_in: this.#bytesIn,
      ...(text !== "" && { tail: { offset, text } }),
    });
  }
}

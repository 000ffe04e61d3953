import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import type * as NodePty from "@lydell/node-pty";
import { loginOf, type JobUser, jobEnvironment } from "../work/environment.ts";
import { Guarded } from "../work/guarded.ts";
import { UNLIMITED } from "../work/limits.ts";
import type { Work } from "../../src/kernel/agent-protocol.ts";
import { decodeFrame, FrameKind } from "../../src/kernel/terminal-frames.ts";
import { type CommandHandler, CommandRefused } from "../link/commands.ts";
import { Terminal, type TerminalEnd } from "./terminal.ts";

type Pty = typeof NodePty;

export interface TerminalsHost {
  send(frame: Uint8Array): void;
  ended(session: string, end: TerminalEnd): void;
  log(text: string): void;
}

interface Open {
  terminal: Terminal;
  since: string;
}

const MAX_OPEN = 20;
const DETACHED_MS = 300_000;
const LOOK_MS = 2_000;

/** The library that makes pseudo-terminals, which comes ready-made for the common platforms only; else why it is not there. */
export function loadPty(): { pty: Pty } | { reason: string } {
  try {
    return { pty: createRequire(import.meta.url)("@lydell/node-pty") as Pty };
  } catch (error) {
    const text = error instanceof Error ? error.message.split("\n")[0]! : String(error);
    return { reason: `Pseudo-terminals are not available on this machine: ${text}` };
  }
}

/** Programs that stand in a shell's place for whoever is not to have one. */
const NO_SHELLS = ["nologin", "false", "true", "sync", "halt", "shutdown"];

/** Why there can be no shell for a user, or `null`; the agent's own without one. */
export function shellTrouble(user: JobUser | undefined): string | null {
  if (process.platform === "win32") return null;
  const { shell } = loginOf(user);
  const whose = user ? `${user.name}, whom --user names,` : "The agent's own user";
  if (NO_SHELLS.includes(basename(shell))) return `${whose} is not to have a shell here: it has ${shell}.`;
  return existsSync(shell) ? null : `${whose} has a shell that is not there: ${shell}.`;
}

/** Sees to it that nothing a shell has started outlives the shell, or the agent; Windows has no groups to end. */
function guardOf(leader: number, mark: string): Guarded | undefined {
  if (process.platform === "win32") return undefined;
  return new Guarded({ leader, mark, cwd: "/", limits: UNLIMITED, lookMs: LOOK_MS, scratch: null });
}

/** The shells that are open on this machine. */
export class Terminals {
  readonly #pty: Pty;
  readonly #host: TerminalsHost;
  readonly #user: JobUser | undefined;
  readonly #open = new Map<string, Open>();
  #channels = 0;
  #emptied: (() => void) | undefined;

  /** Shells run as `user`, where that is not the agent's own. */
  constructor(pty: Pty, user: JobUser | undefined, host: TerminalsHost) {
    this.#pty = pty;
    this.#user = user;
    this.#host = host;
  }

  /** What a terminal starts. */
  get shell(): string {
    return loginOf(this.#user).shell;
  }

  work(): Work[] {
    return [...this.#open].map(([id, { since }]) => ({ kind: "terminal", id, since }));
  }

  readonly commands: Record<string, CommandHandler> = {
    "terminal.open": async (args) => this.#start(args as OpenArgs),
    "terminal.attach": async (args) => {
      const { terminal } = this.#find(args);
      const { offset, bytes, typed } = terminal.attach();
      return { channel: terminal.channel, offset, text: Buffer.from(bytes).toString("base64"), typed };
    },
    "terminal.detach": async (args) => this.#find(args).terminal.detach(),
    "terminal.resize": async (args) => {
      const { columns, rows } = args as { columns: number; rows: number };
      this.#find(args).terminal.resize(columns, rows);
    },
    "terminal.close": async (args) => this.#find(args).terminal.close("closed"),
  };

  /** Takes a binary frame of the link's. */
  take(data: Uint8Array): void {
    const frame = decodeFrame(data);
    const open = frame && [...this.#open.values()].find(({ terminal }) => terminal.channel === frame.channel);
    if (!open) return;
    if (frame.kind === FrameKind.input) open.terminal.write(frame.offset, frame.bytes);
    else if (frame.kind === FrameKind.credit) open.terminal.see(frame.offset);
  }

  /** Says again what may not have arrived before the connection was cut. */
  repeat(): void {
    for (const { terminal } of this.#open.values()) terminal.repeat();
  }

  /** Ends them all; settles when they are gone. */
  async close(reason: "closed" | "drained" = "closed"): Promise<void> {
    for (const { terminal } of this.#open.values()) terminal.close(reason);
    while (this.#open.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve));
  }

  #start({ session, rows, columns, idle_seconds: idle, max_seconds: max }: OpenArgs) {
    if (this.#open.has(session)) throw new CommandRefused("TERMINAL_EXISTS", "The terminal is open already.");
    if (this.#open.size >= MAX_OPEN)
      throw new CommandRefused(
        "TERMINALS_FULL",
        `The agent has ${MAX_OPEN} terminals open, as many as it may.`,
      );
    const user = this.#user;
    const { home, shell } = loginOf(user);
    const given = { SHELL: shell, TERM: "xterm-256color", COLORTERM: "truecolor" };
    const mark = randomUUID();
    const env = { ...jobEnvironment(given, user, home), MYELIN_WORK: mark };
    const pty = this.#pty.spawn(shell, process.platform === "win32" ? [] : ["-l"], {
      ...{ name: given.TERM, cols: columns, rows, cwd: home, env },
      ...(user && { uid: user.uid, gid: user.gid }),
      encoding: null,
    });
    const guard = guardOf(pty.pid, mark);
    const limits = { idleMs: idle * 1000, maxMs: max * 1000, detachedMs: DETACHED_MS };
    const terminal = new Terminal(++this.#channels, pty, limits, {
      send: (frame) => this.#host.send(frame),
      log: (text) => this.#host.log(`terminal ${session}: ${text}`),
      clearAway: async () => void (await guard?.end()),
      ended: (end) => {
        this.#open.delete(session);
        this.#host.log(`terminal ${session} ended (${end.reason})`);
        this.#host.ended(session, end);
        this.#emptied?.();
      },
    });
    this.#open.set(session, { terminal, since: new Date().toISOString() });
    this.#host.log(`terminal ${session} opened`);
    return { channel: terminal.channel, shell, pid: pty.pid };
  }

  #find(args: unknown): Open {
    const open = this.#open.get((args as { session: string }).session);
    if (!open) throw new CommandRefused("TERMINAL_GONE", "There is no such terminal any more.");
    return open;
  }
}

interface OpenArgs {
  session: string;
  rows: number;
  columns: number;
  idle_seconds: number;
  max_seconds: number;
}

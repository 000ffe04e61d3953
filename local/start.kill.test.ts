import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { buildFixture } from "./fixture-worker.ts";
import { freePort, requireFree } from "./free-port.ts";
import { findProcess, findTree, killTree } from "./process-tree.ts";
import { temporaryFolder } from "./test-database.ts";

/** `npm start` as a user has it: whatever is killed, nothing stays, and the next start finds everything again. */
interface Started {
  child: ChildProcess;
  /** The whole tree: supervisor, platform, workerd, Postgres with its backends. */
  pids: number[];
  inner: number;
  output: string[];
  exit: Promise<number | null>;
}

let dataDir: string;
let port: number;
let workerDir: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  workerDir = await buildFixture();
  dataDir = temporaryFolder();
  port = await freePort();
});
afterEach(() => {
  for (const child of running) killTree((one) => one.pid === child.pid);
  running.clear();
});
afterAll(() => rmSync(dataDir, { recursive: true }));

const url = (path: string) => `http://127.0.0.1:${port}${path}`;
const read = async (path: string) => (await fetch(url(path))).json();

function launch(...args: string[]): { child: ChildProcess; output: string[]; exit: Promise<number | null> } {
  const program = join(import.meta.dirname, "start.ts");
  const child = spawn(
    "node",
    [program, "--data-dir", dataDir, "--port", String(port), "--no-agent", ...args],
    {
      env: { ...process.env, MYELIN_WORKER_DIR: workerDir, npm_lifecycle_event: "" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  running.add(child);
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => output.push(line));
  }
  return { child, output, exit: once(child, "close").then(([code]) => code as number | null) };
}

async function start(): Promise<Started> {
  const { child, output, exit } = launch();
  await expect.poll(() => output.join("\n"), { timeout: 15_000 }).toContain("Stop it with Ctrl-C");
  const tree = findTree((one) => one.pid === child.pid);
  const inner = tree.find((one) => one.parent === child.pid)!.pid;
  return { child, pids: tree.map((one) => one.pid), inner, output, exit };
}

async function expectGone({ pids }: Started): Promise<void> {
  await expect
    .poll(() => pids.filter((pid) => findProcess(pid)), { timeout: 2000, interval: 20 })
    .toEqual([]);
  await requireFree(port, "127.0.0.1");
}

it("Ctrl-C stops everything in order with exit code 0", async () => {
  const first = await start();
  expect(first.output[0]).toMatch(new RegExp(`^Myelin runs at ${url("")} \\(started in \\d`));
  expect(first.output.join()).toContain(join(dataDir, "admin-password.txt"));
  expect(await read("/object")).toBe(1);
  first.child.kill("SIGINT");
  // npm passes the terminal's signal on, so it comes twice.
  first.child.kill("SIGINT");
  expect(await first.exit).toBe(0);
  await expectGone(first);
});

it("kill -9 of the supervisor takes everything down, and nothing is lost", async () => {
  const first = await start();
  expect(await read("/object")).toBe(2);
  first.child.kill("SIGKILL");
  await expectGone(first);
  const second = await start();
  expect(await read("/object")).toBe(3);
  expect(await read("/http")).toEqual([{ email: "admin@myelin.local" }]);
  second.child.kill("SIGTERM");
  expect(await second.exit).toBe(0);
});

it("kill -9 of the platform takes everything down with exit code 1", async () => {
  const first = await start();
  process.kill(first.inner, "SIGKILL");
  expect(await first.exit).toBe(1);
  expect(first.output.at(-1)).toContain("ended unexpectedly (SIGKILL)");
  await expectGone(first);
});

it("kill -9 of both at once leaves what the next start clears away", async () => {
  const first = await start();
  process.kill(first.inner, "SIGKILL");
  first.child.kill("SIGKILL");
  const second = await start();
  expect(first.pids.filter((pid) => findProcess(pid))).toEqual([]);
  expect(await read("/object")).toBe(4);
  second.child.kill("SIGTERM");
  expect(await second.exit).toBe(0);
});

it("ends when Postgres ends", async () => {
  const first = await start();
  const postgres = findTree((one) => one.pid === first.inner).find(
    (one) => one.parent === first.inner && findTree((child) => child.parent === one.pid).length > 1,
  )!;
  process.kill(postgres.pid, "SIGKILL");
  expect(await first.exit).toBe(1);
  expect(first.output.at(-1)).toContain("Postgres ended unexpectedly");
  await expectGone(first);
});

it("a second instance is told who has the folder", async () => {
  const first = await start();
  const second = launch();
  expect(await second.exit).toBe(1);
  expect(second.output.join("\n")).toContain(`${dataDir} is in use by Myelin process ${first.child.pid}.`);
  first.child.kill("SIGTERM");
  expect(await first.exit).toBe(0);
});

it("Ctrl-C while starting leaves nothing, and the next start works", async () => {
  mkdirSync(join(dataDir, "fresh"));
  const early = launch("--data-dir", join(dataDir, "fresh"));
  await expect
    .poll(() => findTree((one) => one.pid === early.child.pid).length, { interval: 5 })
    .toBeGreaterThan(1);
  early.child.kill("SIGINT");
  expect(await early.exit).toBe(0);
  const later = launch("--data-dir", join(dataDir, "fresh"));
  await expect.poll(() => later.output.join("\n"), { timeout: 15_000 }).toContain("Stop it with Ctrl-C");
  later.child.kill("SIGINT");
  expect(await later.exit).toBe(0);
});

it("says what is wrong with its arguments", async () => {
  const wrong = launch("--prot", "1");
  expect(await wrong.exit).toBe(1);
  expect(wrong.output.join("\n")).toContain("--prot");
  const help = launch("--help");
  expect(await help.exit).toBe(0);
  expect(help.output[0]).toContain("Usage: npm start");
});

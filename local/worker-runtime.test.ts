import { rmSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildFixture } from "./fixture-worker.ts";
import { findProcess, findTree } from "./process-tree.ts";
import { temporaryFolder } from "./test-database.ts";
import { startWorker } from "./worker-runtime.ts";
import type { WorkerRuntime } from "./worker-runtime.ts";

let worker: WorkerRuntime;
let restarts = 0;
const stateDir = temporaryFolder();
const logged: string[] = [];

beforeAll(async () => {
  worker = await startWorker({
    workerDir: await buildFixture(),
    host: "127.0.0.1",
    port: 0,
    vars: { NEON_PROXY: "http://127.0.0.1:1" },
    stateDir,
    log: (line) => logged.push(line),
    onRestart: () => restarts++,
  });
});
afterAll(async () => {
  await worker.stop();
  rmSync(stateDir, { recursive: true });
});

const get = async (path: string) => (await fetch(worker.url + path)).json();

it("runs the scheduled handler, before and after a crash", async () => {
  expect(worker.crons).toEqual(["* * * * *"]);
  await worker.runScheduled("* * * * *");
  expect(await get("/ticks")).toBe(1);
  const workerd = findTree((one) => one.parent === process.pid).map((one) => one.pid);
  for (const pid of workerd) process.kill(pid, "SIGKILL");
  await expect.poll(() => restarts, { timeout: 10_000 }).toBe(1);
  expect(workerd.filter((pid) => findProcess(pid))).toEqual([]);
  await worker.runScheduled("* * * * *");
  expect(await get("/ticks")).toBe(1);
});

it("opens none of Miniflare's own doors", async () => {
  const doors = ["scheduled", "explorer", "email", "platform-proxy", "r2/s3/myelin", "r2/public/myelin/key"];
  for (const door of doors) {
    const response = await fetch(`${worker.url}/cdn-cgi/local/${door}`, { method: "POST" });
    expect.soft([door, response.status >= 400 && response.status < 500]).toEqual([door, true]);
  }
});

it("keeps what the Worker logs", async () => {
  await get("/log");
  await expect.poll(() => logged).toContain("[log] a line from the Worker");
});

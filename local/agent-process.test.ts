import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startAgent } from "./agent-process.ts";
import type { AgentProcess } from "./agent-process.ts";
import { openLog } from "./log-file.ts";
import { findProcess } from "./process-tree.ts";
import { temporaryFolder } from "./test-database.ts";

let folder: string;
let agent: AgentProcess | undefined;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await agent?.stop();
  rmSync(folder, { recursive: true });
});

const logged = () => readFileSync(join(folder, "agent.log"), "utf8");

function run(program: string, started: number[] = []): number[] {
  const path = join(folder, "agent.mjs");
  writeFileSync(path, program);
  agent = startAgent({
    program: path,
    env: { MYELIN_URL: "http://worker" },
    log: openLog(join(folder, "agent.log")),
    stopMs: 500,
    onStart: (pid) => started.push(pid),
  });
  return started;
}

it("starts an agent again that died, and says why", async () => {
  const started = run(`console.log("up at", process.env.MYELIN_URL); process.exit(3);`);
  await expect.poll(logged, { timeout: 10_000 }).toMatch(/exit code 3[^]*exit code 3/);
  expect(logged()).toContain("[agent] up at http://worker");
  expect(logged()).toContain("next start in 1000 ms");
  expect(logged()).toContain("next start in 2000 ms");
  expect(started.length).toBeGreaterThanOrEqual(2);
});

it("lets the agent end in its own way", async () => {
  const [pid] = run(`
    process.on("SIGTERM", () => { console.log("saved"); process.exit(); });
    setInterval(() => {}, 1000); console.log("ready");`);
  await expect.poll(logged).toContain("ready");
  await agent!.stop();
  expect(findProcess(pid!)).toBeUndefined();
  await expect.poll(logged).toContain("saved");
});

it("kills an agent that will not end, with all it started", async () => {
  const [pid] = run(`
    import { spawn } from "node:child_process";
    process.on("SIGTERM", () => {});
    console.log("child", spawn("sleep", ["1000"], { detached: true }).pid, "ready");`);
  await expect.poll(logged).toContain("ready");
  const child = Number(/child (\d+)/.exec(logged())![1]);
  await agent!.stop();
  await expect.poll(() => [findProcess(pid!), findProcess(child)]).toEqual([undefined, undefined]);
});

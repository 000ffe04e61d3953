import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { lockDataDir } from "./data-lock.ts";
import { dataLayout } from "./paths.ts";
import { findProcess } from "./process-tree.ts";
import { temporaryFolder } from "./test-database.ts";

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** A process that takes the folder, starts a child below it, and says that child's id. */
async function holder(): Promise<{ pid: number; child: number; kill(): Promise<void> }> {
  const program = `
    import { spawn } from "node:child_process";
    import { lockDataDir } from ${JSON.stringify(join(import.meta.dirname, "data-lock.ts"))};
    const lock = await lockDataDir(${JSON.stringify(folder)});
    const child = spawn("sleep", ["1000"], { detached: true });
    lock.note(child.pid);
    console.log(child.pid);`;
  const process = spawn("node", ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(process);
  const [said] = await once(process.stdout, "data");
  return {
    pid: process.pid!,
    child: Number(said),
    async kill() {
      process.kill("SIGKILL");
      await once(process, "exit");
    },
  };
}

it("refuses a second holder with the id of the first", async () => {
  const first = await holder();
  await expect(lockDataDir(folder)).rejects.toThrow(`in use by Myelin process ${first.pid}`);
  await first.kill();
  (await lockDataDir(folder)).release();
});

it("refuses a second holder in the same process, until released", async () => {
  const lock = await lockDataDir(folder);
  await expect(lockDataDir(folder)).rejects.toThrow(`in use by Myelin process ${process.pid}`);
  lock.release();
  (await lockDataDir(folder)).release();
});

it("clears away what a killed holder left running", async () => {
  const first = await holder();
  await first.kill();
  expect(findProcess(first.child)).toBeDefined();
  (await lockDataDir(folder)).release();
  expect(findProcess(first.child)).toBeUndefined();
});

it("leaves a process alone that was given the id of a dead child", async () => {
  const bystander = spawn("sleep", ["1000"]);
  children.push(bystander);
  const state = { pid: 1, children: [{ pid: bystander.pid, startedAt: "another boot/1" }] };
  writeFileSync(dataLayout(folder).running, JSON.stringify(state));
  (await lockDataDir(folder)).release();
  expect(findProcess(bystander.pid!)).toBeDefined();
  expect(bystander.signalCode).toBeNull();
});

it("lists the noted children that still run", async () => {
  const lock = await lockDataDir(folder);
  const child = spawn("sleep", ["1000"]);
  children.push(child);
  lock.note(child.pid!);
  lock.note(child.pid!);
  expect(lock.children()).toEqual([child.pid]);
  child.kill();
  await once(child, "exit");
  expect(lock.children()).toEqual([]);
  lock.release();
});

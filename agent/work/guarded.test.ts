import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it as vitestIt } from "vitest";
import { Guarded } from "./guarded.ts";
import { UNLIMITED } from "./limits.ts";

const it = vitestIt.runIf(process.platform === "linux");

/** Processes whose command line has the text. */
const running = (text: string): number =>
  execFileSync("ps", ["-eo", "stat,args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(text) && !line.startsWith("Z")).length;

async function until(check: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !check();) {
    if (Date.now() > deadline) throw new Error("not within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Work whose second process has left its session, with a folder that goes with it. */
async function begin() {
  const [mark, scratch] = [randomUUID(), mkdtempSync(join(tmpdir(), "myelin-guarded-"))];
  writeFileSync(join(scratch, "file"), "x");
  const sleep = `sleep ${100_000 + Math.floor(Math.random() * 800_000)}`;
  const work = spawn("bash", ["-c", `setsid ${sleep} & ${sleep}; true`], {
    ...{ env: { ...process.env, MYELIN_WORK: mark }, stdio: "ignore", detached: true },
  });
  const guarded = new Guarded({ leader: work.pid!, mark, scratch, cwd: "/", limits: UNLIMITED, lookMs: 200 });
  await until(() => running(sleep) >= 2);
  return { guarded, sleep, scratch };
}

it("ends all of what others have started, with its folder", async () => {
  const { guarded, sleep, scratch } = await begin();
  expect(await guarded.end()).toBeNull();
  expect(running(sleep)).toBe(0);
  expect(existsSync(scratch)).toBe(false);
});

it("does so too when its guard is killed", async () => {
  const { guarded, sleep, scratch } = await begin();
  const guards = execFileSync("pgrep", ["-P", String(process.pid), "-f", "work/guard"], { encoding: "utf8" });
  for (const pid of guards.trim().split("\n")) process.kill(Number(pid), "SIGKILL");
  await until(() => running(sleep) === 0);
  await until(() => !existsSync(scratch));
  expect(await guarded.end()).toBeNull();
});

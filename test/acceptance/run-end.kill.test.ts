import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Platform } from "../../local/platform.ts";
import { newRun, newUser, until, type User } from "../support/client.ts";
import { startOwnPlatform } from "../support/own-platform.ts";
import { Watcher } from "../support/watcher.ts";

const dataDir = mkdtempSync(join(tmpdir(), "myelin-run-end-"));
const env = { LOG_LEVEL: "warn", RATE_LIMIT_REGISTER: "0", RATE_LIMIT_LOGIN: "0" };
let platform: Platform;
let user: User;

beforeAll(async () => {
  platform = await startOwnPlatform({ dataDir, env });
  user = await newUser(platform.url);
});
afterAll(async () => {
  await platform.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const RUNS = 40;
const append = (run: string, step: number) =>
  user.post(`/api/training/runs/${run}/metrics`, { epoch: 0, step });

function workerd(): number {
  const listing = execFileSync("ps", ["-o", "pid=,args=", "-p", platform.pids().join(",")], {
    encoding: "utf8",
  });
  return Number.parseInt(
    listing.split("\n").find((line) => line.includes("workerd serve"))!,
    10,
  );
}

/** Does something to many runs at once and kills the Worker's process with -9 while it is being done. */
async function killDuring(afterMs: number, act: (run: string) => Promise<unknown>): Promise<string[]> {
  const runs = await Promise.all(Array.from({ length: RUNS }, () => newRun(user)));
  await Promise.all(runs.map((run) => append(run, 0)));
  const before = workerd();
  const acting = Promise.allSettled(runs.map(act));
  await delay(afterMs);
  process.kill(before, "SIGKILL");
  await acting;
  const health = () => user.get("/health").catch(() => ({ status: 0 }));
  await until(health, ({ status }) => status === 200);
  return runs;
}

const MOMENTS = [30, 100, 200];

it.each(MOMENTS)(
  "takes no entry for a run that ended, however its feed was killed (after %i ms)",
  { timeout: 60_000 },
  async (afterMs) => {
    const runs = await killDuring(afterMs, (run) =>
      user.post(`/api/training/runs/${run}/complete`, { success: true }),
    );
    const wrong: unknown[] = [];
    for (const run of runs) {
      const { status, latest_metrics: latest } = (await user.get(`/api/training/runs/${run}`)).body;
      const answer = await append(run, 1);
      if (answer.status !== (status === "completed" ? 409 : 201)) wrong.push([run, status, answer.status]);
      if (status === "completed" && latest?.step !== 0) wrong.push([run, status, latest]);
    }
    expect(wrong).toEqual([]);
    const ended = await user.get("/api/training/runs?status=completed&limit=1");
    if (!ended.body[0]) return;
    const path = `/api/training/runs/${ended.body[0].id}/stream`;
    const watcher = await Watcher.open(platform.url, path, { token: user.accessToken });
    await watcher.until((w) => w.closed !== undefined);
    expect(watcher.frames.at(-1)!.data.status).toBe("completed");
  },
);

it.each(MOMENTS)(
  "knows nothing more of a run that was deleted, however its feed was killed (after %i ms)",
  { timeout: 60_000 },
  async (afterMs) => {
    const runs = await killDuring(afterMs, (run) => user.delete(`/api/training/runs/${run}`));
    const wrong: unknown[] = [];
    for (const run of runs) {
      const { status, body } = await user.get(`/api/training/runs/${run}`);
      const answer = await append(run, 1);
      const expected = status === 404 ? 404 : body.status === "running" ? 201 : 409;
      if (answer.status !== expected) wrong.push([run, status, body.status, answer.status]);
    }
    expect(wrong).toEqual([]);
  },
);

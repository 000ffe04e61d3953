import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { newRun, newUser, until } from "./support/client.ts";
import { startOwnPlatform } from "./support/own-platform.ts";
import pg from "pg";

const dataDir = mkdtempSync(join(tmpdir(), "myelin-archive-"));
const start = () => startOwnPlatform({ dataDir, env: { LOG_LEVEL: "warn" } });
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

/** Where the platform keeps the feeds' own storage. */
function feedFolders(): string[] {
  const all = readdirSync(join(dataDir, "worker"), { recursive: true, encoding: "utf8" });
  return all.filter((path) => path.endsWith("RunFeed")).map((path) => join(dataDir, "worker", path));
}

async function archived(databaseUrl: string, run: string): Promise<number> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { rows } = await client.query(
      "select coalesce(sum(count), 0)::int n from run_chunks where run_id = $1",
      [run],
    );
    return rows[0].n;
  } finally {
    await client.end();
  }
}

it(
  "gives a run's whole history back from the archive when the feed's own storage is gone",
  { timeout: 60_000 },
  async () => {
    const first = await start();
    const user = await newUser(first.url);
    const run = await newRun(user);
    const path = `/api/training/runs/${run}`;
    for (let batch = 0; batch < 6; batch++) {
      const points = Array.from({ length: 1000 }, (_, i) => ({
        epoch: batch,
        step: batch * 1000 + i,
        loss: Math.random(),
      }));
      await user.post(`${path}/metrics`, { points });
      await user.post(`${path}/logs`, { message: `batch ${batch}` });
    }
    await user.post(`${path}/metrics`, { epoch: 6, step: 1, loss: "NaN", custom: { late: 1 } });
    const metrics = (await user.get(`${path}/metrics`)).body;
    const { logs } = (await user.get(`${path}/logs`)).body;
    await until(
      () => archived(first.databaseUrl, run),
      (count) => count === 6007,
    );
    await first.stop();

    const folders = feedFolders();
    expect(folders).toHaveLength(1);
    for (const folder of folders) rmSync(folder, { recursive: true });

    const second = await start();
    try {
      const again = Object.assign(user, { url: second.url });
      expect((await again.get(`${path}/metrics`)).body).toEqual(metrics);
      expect((await again.get(`${path}/logs`)).body.logs).toEqual(logs);
      // And it goes on where it was: numbers are not given out twice.
      const { body } = await again.post(`${path}/metrics`, { epoch: 7, step: 7000 });
      expect(body.first_seq).toBe(6008);
    } finally {
      await second.stop();
    }
  },
);

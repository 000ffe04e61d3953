import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { dataLayout } from "./paths.ts";
import { findNobody } from "./postgres-binaries.ts";
import { startPostgres } from "./postgres.ts";
import type { EmbeddedPostgres } from "./postgres.ts";
import { killTree } from "./process-tree.ts";
import { temporaryFolder } from "./test-database.ts";

let dataDir: string;
const running = new Set<EmbeddedPostgres>();
beforeAll(() => {
  // Private, as the folders of root's home are, and with what a crash leaves of a first set-up.
  dataDir = join(temporaryFolder(), "deep inside");
  mkdirSync(join(dataDir, "postgres.new"), { recursive: true, mode: 0o700 });
  writeFileSync(join(dataDir, "postgres.new", "half"), "");
});
afterEach(async () => {
  for (const server of running) await server.stop();
  running.clear();
});
afterAll(() => rmSync(join(dataDir, ".."), { recursive: true }));

async function start(onFailure?: (error: Error) => void): Promise<EmbeddedPostgres> {
  const server = await startPostgres(dataDir, onFailure);
  running.add(server);
  return server;
}

async function query(url: string, text: string) {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

describe("the embedded Postgres", () => {
  it("gives the application an ordinary role that owns its database", async () => {
    const { url } = await start();
    expect(
      await query(
        url,
        `SELECT rolsuper, pg_get_userbyid(datdba) AS owner, current_setting('fsync') AS fsync, lower('ÄÖ') AS lower,
         current_setting('data_checksums') AS checksums
         FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()`,
      ),
    ).toEqual([{ rolsuper: false, owner: "myelin", fsync: "on", lower: "äö", checksums: "on" }]);
    expect(existsSync(join(dataDir, "postgres.new"))).toBe(false);
  });

  it("asks everybody for a password and keeps the folder to itself", async () => {
    const { url } = await start();
    await expect(query(url.replace(/:[^:@/]+@/, ":guess@"), "SELECT 1")).rejects.toMatchObject({
      code: "28P01",
    });
    const layout = dataLayout(dataDir);
    expect(readFileSync(join(layout.postgres, "pg_hba.conf"), "utf8")).not.toMatch(/^[^#]*\btrust\b/m);
    for (const path of [layout.databasePassword, layout.superuserPassword]) {
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }
    expect(statSync(layout.postgres).mode & 0o777).toBe(0o700);
    expect(existsSync(`${layout.postgres}.new.password`)).toBe(false);
  });

  it("starts again after kill -9 with every acknowledged row", async () => {
    let died: Error | undefined;
    const first = await start((error) => (died = error));
    await query(first.url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS i");
    killTree((one) => one.pid === first.pid);
    await expect.poll(() => died?.message).toContain("ended unexpectedly");
    expect(existsSync(join(dataLayout(dataDir).postgres, "postmaster.pid"))).toBe(true);
    const second = await start();
    expect(await query(second.url, "SELECT count(*)::int AS n FROM kept")).toEqual([{ n: 1000 }]);
  });

  it("ignores a process file that names an unrelated process", async () => {
    writeFileSync(join(dataLayout(dataDir).postgres, "postmaster.pid"), `${process.ppid}\n/somewhere\n`);
    const { url } = await start();
    expect(await query(url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  it("takes a new password from its file", async () => {
    writeFileSync(dataLayout(dataDir).databasePassword, "chosen-by-hand\n");
    const { url } = await start();
    expect(url).toContain(":chosen-by-hand@");
    expect(await query(url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });
});

it("finds the user that root lends to Postgres", () => {
  const root = "root:x:0:0:root:/root:/bin/sh";
  expect(findNobody(`${root}\nnobody:x:65534:65533::/:/bin/false`)).toEqual({ uid: 65534, gid: 65533 });
  expect(findNobody(`${root}\nnobody:*:99:99:Nobody:/:/bin/false`)).toEqual({ uid: 99, gid: 99 });
  expect(() => findNobody(root)).toThrow("no user nobody");
});

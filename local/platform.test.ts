import { once } from "node:events";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildFixture } from "./fixture-worker.ts";
import { startPlatform } from "./platform.ts";
import type { Platform } from "./platform.ts";
import { startPostgres } from "./postgres.ts";
import { findProcess } from "./process-tree.ts";
import { Refusal } from "./refusal.ts";
import { temporaryFolder } from "./test-database.ts";

const folders: string[] = [];
let workerDir: string;
let platform: Platform;

const newFolder = () => folders[folders.push(temporaryFolder()) - 1]!;
const start = (dataDir: string, env = {}, port = 0) =>
  startPlatform({
    dataDir,
    port,
    agent: false,
    env: { ALLOWED_ORIGINS: "https://a.example", ...env },
    workerDir,
  });
const get = async (path: string) => (await fetch(platform.url + path)).json();

beforeAll(async () => {
  workerDir = await buildFixture();
  platform = await start(newFolder());
});
afterAll(async () => {
  await platform.stop();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

describe("a running platform", () => {
  it("gives the Worker its database by HTTP and by WebSocket", async () => {
    expect(await get("/http")).toEqual([{ email: "admin@myelin.local" }]);
    expect(await get("/socket")).toEqual([{ email: "admin@myelin.local" }]);
  });

  it("gives it its settings", async () => {
    const kept = (name: string) => readFileSync(join(platform.dataDir, name), "utf8").trim();
    expect(await get("/env")).toEqual({
      ALLOWED_ORIGINS: "https://a.example",
      AUDIT_SECRET: kept("audit-secret.txt"),
      DATABASE_URL: platform.databaseUrl,
      ENCRYPTION_KEYS: `k1:${kept("encryption-key.txt")}`,
      JWT_SECRET: kept("jwt-secret.txt"),
      NEON_PROXY: platform.neonProxy,
      PUBLIC_URL: platform.url.replace("127.0.0.1", "localhost"),
      RATE_LIMIT_API: "0",
      TRUSTED_HOPS: "0",
    });
  });

  it("serves assets and text modules, and keeps the Worker's log", async () => {
    const style = await fetch(`${platform.url}/docs/swagger-ui.css`);
    expect([style.status, await style.text()]).toEqual([200, expect.stringContaining(".swagger-ui")]);
    expect(await get("/csv")).toBe("a,b\n1,2\n");
    await get("/log");
    const log = () => readFileSync(join(platform.dataDir, "logs", "worker.log"), "utf8");
    await expect.poll(log).toContain("[log] a line from the Worker");
  });

  it("lets nobody else run the scheduled handler", async () => {
    const response = await fetch(`${platform.url}/cdn-cgi/local/scheduled`);
    expect(response.status).toBe(404);
    expect(await get("/ticks")).toBe(0);
  });

  it("keeps its folder private", () => {
    expect(statSync(platform.dataDir).mode & 0o777).toBe(0o700);
    expect(platform.adminPassword()).toHaveLength(24);
  });

  it("refuses a second one on its folder and on its port, and cleans up after both", async () => {
    await expect(start(platform.dataDir)).rejects.toThrow(`in use by Myelin process ${process.pid}`);
    const other = newFolder();
    await expect(start(other, {}, Number(new URL(platform.url).port))).rejects.toThrow(
      "is taken by another program",
    );
    expect(existsSync(join(other, "postgres"))).toBe(false);
    expect(await get("/http")).toHaveLength(1);
  });

  it("comes back from a crash of workerd", async () => {
    const before = platform.pids();
    const workerd = before.find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("workerd"))!;
    process.kill(workerd, "SIGKILL");
    await expect.poll(() => get("/http").catch(() => undefined), { timeout: 10_000 }).toHaveLength(1);
    expect(platform.pids()).not.toEqual(before);
  });

  it("keeps rows, objects and blobs over a restart, and leaves no process behind", async () => {
    expect(await get("/object")).toBe(1);
    await get("/blob/put");
    const { dataDir } = platform;
    const pids = platform.pids();
    expect(pids).toHaveLength(2);
    await platform.stop();
    expect(pids.filter((pid) => findProcess(pid))).toEqual([]);
    platform = await start(dataDir);
    expect(await get("/object")).toBe(2);
    expect(await get("/blob")).toBe("kept");
    expect(await get("/http")).toHaveLength(1);
  });
});

describe("a Postgres of one's own", () => {
  it("is used through the gateway", async () => {
    const server = await startPostgres(newFolder());
    const own = await start(newFolder(), { DATABASE_URL: server.url });
    try {
      expect(own.databaseUrl).toBe(server.url);
      expect(await (await fetch(`${own.url}/socket`)).json()).toHaveLength(1);
      expect(existsSync(join(own.dataDir, "postgres"))).toBe(false);
    } finally {
      await own.stop();
      await server.stop();
    }
  });

  it("is named when it cannot be reached or is no Postgres", async () => {
    await expect(start(newFolder(), { DATABASE_URL: "mysql://x" })).rejects.toThrow("not a Postgres URL");
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    const { port } = closed.address() as { port: number };
    closed.close();
    const unreachable = start(newFolder(), { DATABASE_URL: `postgres://a:b@127.0.0.1:${port}/c` });
    await expect(unreachable).rejects.toThrow(
      new Refusal(`The database at 127.0.0.1:${port} cannot be used: connect ECONNREFUSED 127.0.0.1:${port}`),
    );
  });

  it.each([
    [{ LOG_LEVEL: "zz" }, "LOG_LEVEL"],
    [{ S3_BUCKET: "x" }, "S3_BUCKET without S3_ENDPOINT"],
    [{ UPSTASH_REDIS_REST_URL: "https://r.example" }, "without UPSTASH_REDIS_REST_TOKEN"],
    [{ RATE_LIMIT_LOGIN: "many" }, "RATE_LIMIT_LOGIN"],
    [{ PUBLIC_URL: "nowhere" }, "PUBLIC_URL"],
  ])("does not start at all with settings the Worker refuses: %j", async (env, text) => {
    const dataDir = join(newFolder(), "untouched");
    const started = start(dataDir, env);
    await expect(started).rejects.toThrow(Refusal);
    await expect(started).rejects.toThrow(text);
    expect(existsSync(dataDir)).toBe(false);
  });

  it("does not start with a short signing key", async () => {
    await expect(start(newFolder(), { JWT_SECRET: "short" })).rejects.toThrow("at least 32");
  });
});

import { createHash } from "node:crypto";
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { verify } from "@node-rs/argon2";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { dataLayout } from "./paths.ts";
import { provision } from "./provision.ts";
import { devopsOf } from "./provision-devops.ts";
import { startPostgres } from "./postgres.ts";
import type { EmbeddedPostgres } from "./postgres.ts";
import { temporaryFolder } from "./test-database.ts";

let postgres: EmbeddedPostgres;
let serverDir: string;
let client: Client;
let databaseUrl: string;
let dataDir: string;
let count = 0;

beforeAll(async () => {
  serverDir = temporaryFolder();
  postgres = await startPostgres(serverDir);
  client = new Client({ connectionString: postgres.url });
  await client.connect();
});
beforeEach(async () => {
  const name = `provision_${++count}`;
  await client.query(`CREATE DATABASE ${name}`);
  databaseUrl = postgres.url.replace(/myelin$/, name);
  dataDir = join(serverDir, name);
});
afterAll(async () => {
  await client.end();
  await postgres.stop();
  rmSync(serverDir, { recursive: true });
});

async function query(text: string, values: unknown[] = []) {
  const own = new Client({ connectionString: databaseUrl });
  await own.connect();
  try {
    return (await own.query(text, values)).rows as Record<string, string>[];
  } finally {
    await own.end();
  }
}
const kept = (name: "adminPassword" | "agentToken") => readFileSync(dataLayout(dataDir)[name], "utf8").trim();
const users = () => query("SELECT email, role, password_hash FROM users");

it("makes one administrator whose password is in the file", async () => {
  await provision({ databaseUrl, dataDir });
  const [admin, ...others] = await users();
  expect(others).toEqual([]);
  expect(admin).toMatchObject({ email: "admin@myelin.local", role: "admin" });
  expect(admin!["password_hash"]).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(kept("adminPassword")).toMatch(/^[a-km-zA-HJ-NP-Z2-9]{24}$/);
  expect(await verify(admin!["password_hash"]!, kept("adminPassword"))).toBe(true);
  expect(statSync(dataLayout(dataDir).adminPassword).mode & 0o777).toBe(0o600);
});

it("makes a shared local agent whose token is in the file", async () => {
  await provision({ databaseUrl, dataDir });
  expect(kept("agentToken")).toMatch(/^ic_[0-9a-f-]{36}$/);
  const tokenHash = createHash("sha256").update(kept("agentToken")).digest("hex");
  expect(await query("SELECT name, token_hash, shared FROM agents")).toEqual([
    { name: "local", token_hash: tokenHash, shared: true },
  ]);
});

it("changes nothing the second time", async () => {
  await provision({ databaseUrl, dataDir });
  const before = [await users(), kept("adminPassword"), kept("agentToken")];
  await provision({ databaseUrl, dataDir });
  expect([await users(), kept("adminPassword"), kept("agentToken")]).toEqual(before);
  expect(await query("SELECT FROM agents")).toHaveLength(1);
});

it("mends a crash between a file and its row", async () => {
  await provision({ databaseUrl, dataDir });
  const [password, token] = [kept("adminPassword"), kept("agentToken")];
  await query("DELETE FROM users");
  await provision({ databaseUrl, dataDir });
  expect([kept("adminPassword"), kept("agentToken")]).toEqual([password, token]);
  expect(await verify((await users())[0]!["password_hash"]!, password)).toBe(true);
  expect(await query("SELECT FROM agents")).toHaveLength(1);
});

it("gives the agent a new token when its file was deleted", async () => {
  await provision({ databaseUrl, dataDir });
  rmSync(dataLayout(dataDir).agentToken);
  await provision({ databaseUrl, dataDir });
  const tokenHash = createHash("sha256").update(kept("agentToken")).digest("hex");
  expect(await query("SELECT token_hash FROM agents")).toEqual([{ token_hash: tokenHash }]);
});

it("leaves an installation with an administrator alone", async () => {
  await provision({ databaseUrl });
  await query(
    "INSERT INTO users (email, name, role, password_hash) VALUES ('boss@example.com', 'Boss', 'admin', 'x')",
  );
  await provision({ databaseUrl, dataDir, agent: false });
  expect((await users()).map((user) => user["email"])).toEqual(["boss@example.com"]);
  expect(() => kept("adminPassword")).toThrow("ENOENT");
  expect(await query("SELECT FROM agents")).toEqual([]);
});

it("uses the configured address, lower-cased", async () => {
  await provision({ databaseUrl, dataDir, adminEmail: " Root@Example.com " });
  expect((await users()).map((user) => user["email"])).toEqual(["root@example.com"]);
});

it("lets four starters race and ends with one of everything", async () => {
  await Promise.all(Array.from({ length: 4 }, () => provision({ databaseUrl, dataDir })));
  const [admin, ...others] = await users();
  expect(others).toEqual([]);
  expect(await verify(admin!["password_hash"]!, kept("adminPassword"))).toBe(true);
  expect(await query("SELECT FROM agents")).toHaveLength(1);
});

const DEVOPS = { DEVOPS_EMAIL: " Ops@Example.com ", DEVOPS_PASSWORD: "seven llamas in a boat" };
const withDevops = async (env: Record<string, string>) =>
  provision({ databaseUrl, dataDir, devops: await devopsOf(env) });
const devops = async () =>
  (await query("SELECT id, role, password_hash FROM users WHERE email = 'ops@example.com'"))[0];

it("makes a second administrator only when both variables say so", async () => {
  expect(await devopsOf({})).toBeUndefined();
  await expect(devopsOf({ DEVOPS_EMAIL: "ops@example.com" })).rejects.toThrow("Set both");
  await expect(devopsOf({ DEVOPS_PASSWORD: DEVOPS.DEVOPS_PASSWORD })).rejects.toThrow("Set both");
  await expect(devopsOf({ ...DEVOPS, DEVOPS_PASSWORD: "short" })).rejects.toThrow("has 5 characters");
  await expect(devopsOf({ ...DEVOPS, DEVOPS_PASSWORD: "password1234" })).rejects.toThrow("tried first");
  await withDevops(DEVOPS);
  const made = (await devops())!;
  expect(made["role"]).toBe("admin");
  expect(await verify(made["password_hash"]!, DEVOPS.DEVOPS_PASSWORD)).toBe(true);
});

it("rotates its password when the variable changes, and only then ends its sessions", async () => {
  await withDevops(DEVOPS);
  const { id, password_hash } = (await devops())!;
  await query(
    "INSERT INTO sessions (user_id, refresh_jti, expires_at) VALUES ($1, gen_random_uuid(), now())",
    [id],
  );
  await withDevops(DEVOPS);
  expect((await devops())!["password_hash"]).toBe(password_hash);
  expect(await query("SELECT 1 FROM sessions")).toHaveLength(1);
  await withDevops({ ...DEVOPS, DEVOPS_PASSWORD: "eight llamas in a boat" });
  expect(await verify((await devops())!["password_hash"]!, "eight llamas in a boat")).toBe(true);
  expect(await query("SELECT 1 FROM sessions")).toEqual([]);
});

it("takes the address from whoever registered it before, with all that opened it", async () => {
  await provision({ databaseUrl, dataDir });
  const [squatter] = await query(
    "INSERT INTO users (email, name, password_hash) VALUES ('ops@example.com', 'Eve', 'x') RETURNING id",
  );
  const id = squatter!["id"];
  await query("INSERT INTO totp_secrets (user_id, sealed_secret, enabled_at) VALUES ($1, 'x', now())", [id]);
  await query(
    "INSERT INTO api_tokens (user_id, name, token_hash, hint, scopes) VALUES ($1, 'x', 'x', 'x', '[]')",
    [id],
  );
  await withDevops(DEVOPS);
  expect(await devops()).toMatchObject({ id, role: "admin" });
  for (const table of ["totp_secrets", "api_tokens"])
    expect(await query(`SELECT 1 FROM ${table}`)).toEqual([]);
});

it("says what to do when there are no migrations", async () => {
  await expect(provision({ databaseUrl, migrationsDir: dataDir })).rejects.toThrow("npm run db:generate");
});

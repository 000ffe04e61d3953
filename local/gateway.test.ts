import { neon, neonConfig, Pool } from "@neondatabase/serverless";
import { eq, sql as raw } from "drizzle-orm";
import { drizzle } from "drizzle-orm/neon-http";
import { customType, integer, pgTable, text } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { openTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

/** The real driver, in each of its ways to talk, against a real Postgres behind the gateway. */
let database: TestDatabase;
const bytea = customType<{ data: Uint8Array }>({ dataType: () => "bytea" });
const things = pgTable("things", {
  id: integer().primaryKey(),
  name: text().notNull().unique(),
  data: bytea(),
});

beforeAll(async () => {
  database = await openTestDatabase();
  const proxy = new URL(database.gateway.url);
  neonConfig.fetchEndpoint = () => `${proxy.origin}/sql`;
  neonConfig.wsProxy = (host, port) => `${proxy.host}/v2?address=${host}:${port}`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.webSocketConstructor = WebSocket;
  await neon(database.url)`CREATE TABLE things (id int PRIMARY KEY, name text NOT NULL UNIQUE, data bytea)`;
});
afterAll(() => database.close());

describe("single statements", () => {
  it("gives each of 200 parallel queries its own rows", async () => {
    const sql = neon(database.url);
    const answers = await Promise.all(
      Array.from(
        { length: 200 },
        (_, i) => sql`SELECT ${i}::int AS i, pg_sleep(random() / 100)::text AS slept`,
      ),
    );
    expect(answers.map((rows) => rows[0]?.["i"])).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  it("keeps types, nulls, arrays and full results", async () => {
    const sql = neon(database.url, { fullResults: true });
    const result =
      await sql`SELECT 1::int AS i, 2.5::float8 AS f, true AS b, null AS n, ${["a", "b"]}::text[] AS t,
      ${{ deep: [1] }}::jsonb AS j, '2026-11-20T10:00:00Z'::timestamptz AS at`;
    expect(result.rows[0]).toEqual({
      i: 1,
      f: 2.5,
      b: true,
      n: null,
      t: ["a", "b"],
      j: { deep: [1] },
      at: new Date("2026-11-20T10:00:00Z"),
    });
    expect(result).toMatchObject({ command: "SELECT", rowCount: 1 });
    expect(result.fields.map((field) => field.name)).toEqual(["i", "f", "b", "n", "t", "j", "at"]);
  });

  it("keeps equally named columns apart in array mode", async () => {
    const rows = await neon(database.url, { arrayMode: true })`SELECT 1 AS x, 2 AS x`;
    expect(rows).toEqual([[1, 2]]);
  });

  it("takes a parameter of 1 MB", async () => {
    const big = "ä".repeat(512 * 1024);
    const [row] = await neon(database.url)`SELECT ${big}::text AS big`;
    expect(row?.["big"]).toBe(big);
  });

  it("reports errors with Postgres's fields", async () => {
    const sql = neon(database.url);
    await sql`INSERT INTO things VALUES (1, 'one')`;
    await expect(sql`INSERT INTO things VALUES (2, 'one')`).rejects.toMatchObject({
      code: "23505",
      severity: "ERROR",
      table: "things",
      constraint: "things_name_key",
      detail: "Key (name)=(one) already exists.",
    });
    await expect(sql`SELEC 1`).rejects.toMatchObject({ code: "42601", position: "1" });
  });

  it("refuses two statements in one, as Neon does", async () => {
    await expect(neon(database.url).query("SELECT 1; SELECT 2")).rejects.toMatchObject({ code: "42601" });
  });

  it("leaves nothing behind on a connection", async () => {
    const sql = neon(database.url);
    await sql`BEGIN`;
    await sql`SET search_path TO nowhere`;
    await sql`PREPARE mine AS SELECT 1`;
    const probes = await Promise.all(
      Array.from(
        { length: 20 },
        () => sql`SELECT current_setting('search_path') AS path, (SELECT count(*)::int FROM pg_stat_activity
        WHERE state LIKE 'idle in transaction%') AS open, (SELECT count(*)::int FROM pg_prepared_statements WHERE name = 'mine') AS prepared`,
      ),
    );
    for (const [row] of probes) expect(row).toEqual({ path: '"$user", public', open: 0, prepared: 0 });
  });
});

describe("batches", () => {
  it("commit together, with the wanted isolation", async () => {
    const sql = neon(database.url);
    const [, levels] = await sql.transaction(
      [
        sql`INSERT INTO things VALUES (10, 'ten')`,
        sql`SELECT current_setting('transaction_isolation') AS level`,
      ],
      { isolationLevel: "Serializable" },
    );
    expect(levels).toEqual([{ level: "serializable" }]);
    expect(await sql`SELECT name FROM things WHERE id = 10`).toEqual([{ name: "ten" }]);
  });

  it("roll back together", async () => {
    const sql = neon(database.url);
    const batch = sql.transaction([
      sql`INSERT INTO things VALUES (11, 'eleven')`,
      sql`INSERT INTO things VALUES (11, 'x')`,
    ]);
    await expect(batch).rejects.toMatchObject({ code: "23505" });
    expect(await sql`SELECT FROM things WHERE id = 11`).toEqual([]);
  });

  it("report what only the commit finds", async () => {
    const sql = neon(database.url);
    await sql`CREATE TABLE late (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)`;
    const batch = sql.transaction([sql`INSERT INTO late VALUES (1)`, sql`INSERT INTO late VALUES (1)`]);
    await expect(batch).rejects.toMatchObject({ code: "23505" });
  });

  it("obey read only", async () => {
    const sql = neon(database.url);
    const batch = sql.transaction([sql`INSERT INTO things VALUES (12, 'twelve')`], { readOnly: true });
    await expect(batch).rejects.toMatchObject({ code: "25006" });
  });
});

describe("drizzle", () => {
  it("round-trips bytes and rows over HTTP", async () => {
    const db = drizzle({ client: neon(database.url), schema: { things } });
    const data = Uint8Array.from({ length: 256 }, (_, i) => i);
    await db.insert(things).values({ id: 20, name: "bytes", data });
    const [row] = await db.select().from(things).where(eq(things.id, 20));
    expect(Uint8Array.from(row!.data!)).toEqual(data);
    expect(await db.query.things.findFirst({ where: eq(things.name, "bytes") })).toMatchObject({ id: 20 });
    const [first] = await db.batch([
      db.select().from(things).where(eq(things.id, 20)),
      db.execute(raw`SELECT 1`),
    ]);
    expect(first).toHaveLength(1);
  });
});

describe("sessions over WebSocket", () => {
  it("commit and roll back", async () => {
    const pool = new Pool({ connectionString: database.url, max: 2 });
    const client = await pool.connect();
    await client.query("BEGIN");
    await client.query("INSERT INTO things VALUES (30, 'kept')");
    await client.query("COMMIT");
    await client.query("BEGIN");
    await client.query("INSERT INTO things VALUES (31, 'dropped')");
    await expect(client.query("INSERT INTO things VALUES (31, 'twice')")).rejects.toMatchObject({
      code: "23505",
    });
    await client.query("ROLLBACK");
    client.release();
    const { rows } = await pool.query("SELECT id FROM things WHERE id IN (30, 31)");
    expect(rows).toEqual([{ id: 30 }]);
    await pool.end();
  });

  it("do not mix up 20 clients", async () => {
    const pool = new Pool({ connectionString: database.url, max: 20 });
    const numbers = Array.from({ length: 200 }, (_, i) => i);
    const answers = await Promise.all(numbers.map((i) => pool.query("SELECT $1::int AS i", [i])));
    expect(answers.map(({ rows }) => rows[0].i)).toEqual(numbers);
    await pool.end();
  });

  it("carry large values and the client's settings", async () => {
    const pool = new Pool({ connectionString: database.url, max: 1, application_name: "a test" });
    const big = "x".repeat(3 * 1024 * 1024);
    const { rows } = await pool.query("SELECT $1::text AS big, current_setting('application_name') AS name", [
      big,
    ]);
    expect(rows[0].big === big).toBe(true);
    expect(rows[0].name).toBe("a test");
    await pool.end();
  });

  it("end in Postgres when the client is gone", async () => {
    const pool = new Pool({ connectionString: database.url, max: 1, application_name: "leaver" });
    await pool.query("SELECT 1");
    await pool.end();
    const count = async () =>
      (await neon(database.url)`SELECT FROM pg_stat_activity WHERE application_name = 'leaver'`).length;
    await expect.poll(count, { timeout: 5000 }).toBe(0);
  });
});

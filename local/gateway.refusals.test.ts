import { neon, neonConfig, Pool } from "@neondatabase/serverless";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import WebSocket from "ws";
import { openTestDatabase } from "./test-database.ts";
import type { TestDatabase } from "./test-database.ts";

/** Who must not get through the gateway, and what they are told. */
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  const proxy = new URL(database.gateway.url);
  neonConfig.fetchEndpoint = () => `${proxy.origin}/sql`;
  neonConfig.wsProxy = (host, port) => `${proxy.host}/v2?address=${host}:${port}`;
  neonConfig.useSecureWebSocket = false;
  neonConfig.webSocketConstructor = WebSocket;
});
afterAll(() => database.close());

const withPassword = (password: string) => database.url.replace(/:[^:@/]+@/, `:${password}@`);

async function post(body: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${database.gateway.url}/sql`, {
    method: "POST",
    body,
    headers: { "Neon-Connection-String": database.url, ...headers },
  });
  return { status: response.status, body: await response.text() };
}

describe("over HTTP", () => {
  it("refuses a wrong password, a wrong user, another server and no connection string", async () => {
    await expect(neon(withPassword("guess"))`SELECT 1`).rejects.toThrow("status 401");
    const { port } = new URL(database.url);
    for (const url of [
      database.url.replace("//myelin:", "//postgres:"),
      database.url.replace(port, "5432"),
      database.url.replace("127.0.0.1", "example.com"),
      "",
      "http://myelin@127.0.0.1",
      "postgres://%zz@127.0.0.1/x",
    ]) {
      expect(await post(`{"query":"SELECT 1"}`, { "Neon-Connection-String": url })).toMatchObject({
        status: 401,
      });
    }
  });

  it("refuses web pages, whether they say where they come from or hide behind a name", async () => {
    expect((await post(`{"query":"SELECT 1"}`, { Origin: "http://evil.example" })).status).toBe(403);
    // fetch does not let us set Host.
    const answer = await rawRequest(
      "GET /sql HTTP/1.1\r\nHost: rebound.example:80\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toContain("403 Forbidden");
  });

  it("answers nonsense with a reason", async () => {
    expect(await post("{")).toMatchObject({ status: 400, body: expect.stringContaining("not JSON") });
    expect(await post("null")).toMatchObject({ status: 400, body: expect.stringContaining("A query is") });
    expect(await post(`{"query":1}`)).toMatchObject({ status: 400 });
    expect((await fetch(`${database.gateway.url}/other`, { method: "POST" })).status).toBe(404);
  });

  it("names an unknown isolation level and works on", async () => {
    const answer = await post(`{"queries":[]}`, { "Neon-Batch-Isolation-Level": "Snapshot; DROP TABLE x" });
    expect(answer).toMatchObject({ status: 400, body: expect.stringContaining("isolation") });
    expect(await neon(database.url)`SELECT 1 AS one`).toEqual([{ one: 1 }]);
  });

  it("reports a database that does not exist in Postgres's words", async () => {
    await expect(neon(database.url.replace(/myelin$/, "other"))`SELECT 1`).rejects.toMatchObject({
      code: "3D000",
    });
  });
});

describe("over WebSocket", () => {
  const attempt = (url: string) => {
    const pool = new Pool({ connectionString: url, max: 1 });
    pool.on("error", () => {});
    return pool.query("SELECT 1").finally(() => pool.end());
  };

  it("refuses a wrong password as Postgres would", async () => {
    await expect(attempt(withPassword("guess"))).rejects.toMatchObject({ code: "28P01" });
  });

  it("reports a database that does not exist", async () => {
    await expect(attempt(database.url.replace(/myelin$/, "other"))).rejects.toMatchObject({ code: "3D000" });
  });

  it("leads to no other address and serves no web page", async () => {
    const { host } = new URL(database.gateway.url);
    const own = new URL(database.url).host;
    expect(await upgrade(`ws://${host}/v2?address=10.0.0.1:5432`)).toBe(403);
    expect(await upgrade(`ws://${host}/v2`)).toBe(403);
    expect(await upgrade(`ws://${host}/v2?address=${own}`, "http://evil.example")).toBe(403);
    expect(await upgrade(`ws://${host}/any/path?address=${own}`)).toBe(101);
  });

  it("survives clients that talk nonsense", async () => {
    const { host } = new URL(database.gateway.url);
    const socket = new WebSocket(`ws://${host}/v2?address=${new URL(database.url).host}`);
    socket.on("open", () => socket.send("GET / HTTP/1.1\r\n\r\n"));
    await new Promise((closed) => socket.on("close", closed));
    expect(database.logged.join()).toContain("impossible length");
    expect(await neon(database.url)`SELECT 1 AS one`).toEqual([{ one: 1 }]);
  });
});

function upgrade(url: string, origin?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, origin === undefined ? {} : { origin });
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.on("error", reject);
    socket.on("open", () => {
      socket.terminate();
      resolve(101);
    });
  });
}

async function rawRequest(text: string): Promise<string> {
  const { connect } = await import("node:net");
  const { text: read } = await import("node:stream/consumers");
  const socket = connect(Number(new URL(database.gateway.url).port), "127.0.0.1");
  socket.write(text);
  return await read(socket);
}

import { DurableObject } from "cloudflare:workers";
import { neon, neonConfig, Pool } from "@neondatabase/serverless";
import rows from "./rows.csv";

let ticks = 0;

export class RunFeed extends DurableObject {
  /** Appends a line and returns how many there are. */
  append(line) {
    this.ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS lines (line TEXT)");
    this.ctx.storage.sql.exec("INSERT INTO lines VALUES (?)", line);
    return this.ctx.storage.sql.exec("SELECT count(*) AS n FROM lines").one().n;
  }
}

function useGateway(env) {
  neonConfig.fetchEndpoint = () => `${env.NEON_PROXY}/sql`;
  neonConfig.wsProxy = (host, port) => `${new URL(env.NEON_PROXY).host}/v2?address=${host}:${port}`;
  neonConfig.useSecureWebSocket = false;
}

async function inTransaction(env, ctx) {
  const pool = new Pool({ connectionString: env.DATABASE_URL, max: 1 });
  pool.on("error", () => {});
  const client = await pool.connect();
  await client.query("BEGIN");
  const { rows: found } = await client.query("SELECT email FROM users WHERE role = $1", ["admin"]);
  await client.query("COMMIT");
  client.release();
  ctx.waitUntil(pool.end());
  return found;
}

const routes = {
  "/http": (env) => neon(env.DATABASE_URL)`SELECT email FROM users`,
  "/socket": inTransaction,
  "/object": (env) => env.RUN_FEED.getByName("one").append("line"),
  "/blob/put": (env) => env.BLOBS.put("key", "kept").then(() => "ok"),
  "/blob": async (env) => (await (await env.BLOBS.get("key"))?.text()) ?? null,
  "/env": (env) => Object.fromEntries(Object.entries(env).filter(([, value]) => typeof value === "string")),
  "/ticks": () => ticks,
  "/csv": () => rows,
  "/log": () => console.log("a line from the Worker") ?? "ok",
};

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/docs/")) return env.ASSETS.fetch(request);
    useGateway(env);
    const route = routes[pathname];
    return route ? Response.json(await route(env, ctx)) : new Response("not found", { status: 404 });
  },
  async scheduled() {
    ticks++;
  },
};

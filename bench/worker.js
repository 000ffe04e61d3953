import { DurableObject } from "cloudflare:workers";
import { argon2 } from "../src/adapters/argon2.ts";
import myelin from "../src/index.ts";

export * from "../src/index.ts";

/** The least a Durable Object can do for a request: what everything else is measured against. */
export class Echo extends DurableObject {
  echo(value) {
    return value;
  }
}

// JavaScript, because the programs around it are checked against Node's types and the Worker is not.
export default {
  ...myelin,
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || !pathname.startsWith("/bench/")) return myelin.fetch(request, env, ctx);
    const value = await request.json();
    if (pathname === "/bench/hash") return Response.json(await argon2.hash(value));
    return Response.json(await env.ECHO.getByName("echo").echo(value));
  },
};

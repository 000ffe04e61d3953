import { DurableObject } from "cloudflare:workers";
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
    if (request.method !== "POST" || new URL(request.url).pathname !== "/bench/echo")
      return myelin.fetch(request, env, ctx);
    const stub = env.ECHO.getByName("echo");
    return Response.json(await stub.echo(await request.json()));
  },
};

import { createRouter } from "#http/router";

/** The keys our tokens can be checked with by others; empty where a shared secret signs them. */
export const jwksRoutes = createRouter();

jwksRoutes.get("/.well-known/jwks.json", async (c) =>
  c.json({ keys: await c.var.ctx.tokens.publicKeys() }, 200, { "cache-control": "public, max-age=300" }),
);

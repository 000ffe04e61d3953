import { createRoute, json, z } from "#http/contract";
import { createRouter } from "#http/router";

const JwkSet = z
  .object({ keys: z.array(z.record(z.string(), z.unknown()).openapi({ description: "A key by RFC 7517." })) })
  .openapi("JwkSet");

/** The keys our tokens can be checked with by others; empty where a shared secret signs them. */
export const jwksRoutes = createRouter();

jwksRoutes.openapi(
  createRoute({
    method: "get",
    path: "/.well-known/jwks.json",
    tags: ["Account"],
    summary: "The public keys that access tokens can be checked with",
    responses: { 200: json(JwkSet, "A JWK set; empty where a shared secret signs") },
  }),
  async (c) =>
    c.json({ keys: (await c.var.ctx.tokens.publicKeys()) as Record<string, unknown>[] }, 200, {
      "cache-control": "public, max-age=300",
    }),
);

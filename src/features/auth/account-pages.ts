import { createMiddleware } from "hono/factory";
import type { AppEnv } from "#http/context";
import { createRoute, z } from "#http/contract";
import { createRouter } from "#http/router";
import script from "./account.js.txt";
import page from "./account.html";

/** The pages that links in mails lead to. They only ever do what the API would do for anybody who asked it so. */
export const accountPages = createRouter();

const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

const asPage = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  c.header("content-security-policy", PAGE_POLICY);
  c.header("cache-control", "no-store");
});

for (const path of ["/login", "/forgot-password", "/reset-password", "/outbox"]) {
  accountPages.get(path, asPage, (c) => c.html(page));
}

accountPages.openapi(
  createRoute({
    method: "get",
    path: "/api/auth/approve-user",
    tags: ["Account"],
    summary: "The page that asks an administrator whether to let somebody in",
    description:
      "Where the mailed link leads. Opening it changes nothing; the page signs in and sends the POST.",
    middleware: asPage,
    responses: { 200: { description: "A page", content: { "text/html": { schema: z.string() } } } },
  }),
  (c) => c.html(page),
);

accountPages.get("/account.js", (c) =>
  c.body(script, 200, { "content-type": "text/javascript; charset=utf-8" }),
);

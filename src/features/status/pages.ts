import { createMiddleware } from "hono/factory";
import { AppError } from "../../kernel/errors.ts";
import type { AppEnv } from "#http/context";
import { createRouter } from "#http/router";
import docs from "./docs.html";
import landing from "./landing.html";

export const pageRoutes = createRouter();

/** What the reference page runs; a file of its own, so that the page needs no inline script. */
const START =
  'SwaggerUIBundle({ url: "/openapi.json", dom_id: "#reference", deepLinking: true, persistAuthorization: false });';

// Pages may load what this origin serves; swagger-ui sets style attributes.
const PAGE_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

const pagePolicy = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  c.header("content-security-policy", PAGE_POLICY);
});

pageRoutes.get("/", pagePolicy, (c) => c.html(landing));
pageRoutes.get("/docs", pagePolicy, (c) => c.html(docs));
pageRoutes.get("/docs/start.js", (c) =>
  c.body(START, 200, { "content-type": "text/javascript; charset=utf-8" }),
);

/** The reference page's own files, from the pinned package; one route each, since a pattern would slow every request. */
const FILES = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
};

for (const [name, type] of Object.entries(FILES)) {
  pageRoutes.get(`/docs/${name}`, async (c) => {
    const assets = (c.env as { ASSETS?: Fetcher } | undefined)?.ASSETS;
    const file = await assets?.fetch(c.req.raw);
    if (file?.ok) {
      return new Response(file.body, {
        headers: { "content-type": type, "cache-control": "public, max-age=86400" },
      });
    }
    throw new AppError(
      "not_found",
      "NOT_FOUND",
      "The reference page's files were not built; run `npm run build`.",
    );
  });
}

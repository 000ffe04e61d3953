import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { AppContext, AppEnv } from "#http/context";
import { isId } from "../../kernel/page.ts";

/** Streams of data, which are kept and counted where they belong; a line each here would drown everything else. */
const BULK =
  /^\/api\/(?:inference\/predict\/|training\/leases(?:\/|$)|training\/runs\/[^/]+\/(?:metrics|logs|stream-ticket)$)/;
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

function isTold(c: AppContext): boolean {
  const { method, path } = c.req;
  if (c.res.status === 403) return true;
  return !READS.has(method) && c.res.status < 400 && !BULK.test(path);
}

/** The route's own path, `/api/models/:id`, so that calls of one kind are alike in the trail. */
const routeOf = (c: AppContext): string => matchedRoutes(c).at(-1)?.path ?? c.req.path;

/** Tells the trail of every write that was done and of every refusal for lack of a permission. */
export const auditGate = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  if (!isTold(c)) return;
  const { ctx } = c.var;
  const id = c.req.path.split("/").find(isId);
  ctx.background(
    "audit",
    ctx.audit({
      action: `${c.req.method} ${routeOf(c)}`,
      outcome: c.res.status === 403 ? "refused" : "ok",
      ...(id !== undefined && { target: { type: "path", id } }),
      details: { status: c.res.status },
    }),
  );
});

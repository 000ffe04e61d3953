import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { AppContext, AppEnv } from "#http/context";
import { isId } from "../../kernel/page.ts";
import { isToldRefusal } from "./told-refusal.ts";
import { RefusalFlood } from "./refusal-flood.ts";

/** Streams of data, which are kept and counted where they belong; a line each here would drown everything else. */
const BULK =
  /^\/api\/(?:inference\/predict\/|training\/leases(?!\/[^/]+\/model$)|training\/runs\/[^/]+\/(?:metrics|logs)$)/;
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

const flood = new RefusalFlood({ perSpell: 60, spellMs: 60_000, capacity: 10_000 });

const isWrite = ({ method, path }: AppContext["req"]): boolean => !READS.has(method) && !BULK.test(path);

/** The route's own path, `/api/models/:id`, so that calls of one kind are alike in the trail. */
const routeOf = (c: AppContext): string => matchedRoutes(c).at(-1)?.path ?? c.req.path;

function tell(c: AppContext, outcome: "ok" | "refused", details: Record<string, unknown>): void {
  const { ctx } = c.var;
  const id = c.req.path.split("/").find(isId);
  ctx.background(
    "audit",
    ctx.audit({
      action: `${c.req.method} ${routeOf(c)}`,
      outcome,
      ...(id !== undefined && { target: { type: "path", id } }),
      details: { status: c.res.status, ...details },
    }),
  );
}

function tellRefusal(c: AppContext, code: string): void {
  const { actor, client, now } = c.var.ctx;
  // Of somebody known every refusal counts; nobody in particular can have any number of them.
  const kind = `${client.network} ${c.req.method} ${routeOf(c)} ${code}`;
  const leftOut = actor.kind === "anonymous" ? flood.take(kind, now.getTime()) : 0;
  if (leftOut !== undefined) tell(c, "refused", { code, ...(leftOut > 0 && { left_out: leftOut }) });
}

/**
 * Tells the trail of every write that was done, and of every refusal that concerns who somebody is or what he may do:
 * those no verb has told of itself, in better words.
 */
export const auditGate = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  // Not `c.var`, which makes an object of all variables each time.
  if (c.get("ctx").hasAudited()) return;
  const { status } = c.res;
  const code = c.get("refusal") ?? "";
  const { method, path } = c.req;
  if (isToldRefusal({ path, isRead: READS.has(method), status, code })) tellRefusal(c, code);
  else if (status < 400 && isWrite(c.req)) tell(c, "ok", {});
});

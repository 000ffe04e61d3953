import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { AppContext, AppEnv } from "#http/context";
import type { TrafficMeter } from "./traffic-meter.ts";

/** Addresses nothing answers to are one kind: there is no end to them. */
const UNMATCHED = "unmatched";

/** The template of the route that answers; middleware, which is for all methods, answers nothing. */
function routeOf(c: AppContext): string {
  const route = matchedRoutes(c).at(-1);
  return route && route.method !== "ALL" ? route.path : UNMATCHED;
}

/** Counts every request, by its route and how it was answered. */
export const trafficGate = (meter: TrafficMeter) =>
  createMiddleware<AppEnv>(async (c, next) => {
    const started = Date.now();
    await next();
    const now = Date.now();
    const { method } = c.req;
    meter.count({ method, route: routeOf(c), status: c.res.status, ms: now - started }, now, (work) =>
      c.executionCtx.waitUntil(work),
    );
  });

import type { Db } from "../../db/client.ts";
import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { getVersionById } from "../models/index.ts";
import { deleteMinutesBefore, listMinutes } from "./endpoint-metrics.repo.ts";
import {
  type EndpointInfo,
  type MetricsEntry,
  toEndpointInfo,
  toLiveFigures,
  toMinute,
} from "./endpoint-figures.schema.ts";
import { findOwn } from "./endpoints.service.ts";

const KEPT_MS = 30 * 86_400_000;

/** The live snapshot of a started endpoint, then its stored minutes, newest first. */
export async function listMetrics(ctx: Ctx, id: string, limit: number): Promise<MetricsEntry[]> {
  allow(ctx, "endpoints:read");
  const row = await findOwn(ctx, id);
  const [figures, minutes] = await Promise.all([
    row.status === "running" ? ctx.pools.of(row.modelVersionId).figures(id) : null,
    listMinutes(ctx.db, id, limit),
  ]);
  const stored = minutes.map(toMinute);
  if (!figures) return stored;
  return [{ kind: "live", timestamp: ctx.now.toISOString(), ...toLiveFigures(figures) }, ...stored];
}

/** What is served, how it is loaded and what it takes; of a stopped endpoint, what is known without loading it. */
export async function getEndpointInfo(ctx: Ctx, id: string): Promise<EndpointInfo> {
  allow(ctx, "endpoints:read");
  const row = await findOwn(ctx, id);
  const pool = ctx.pools.of(row.modelVersionId);
  const [version, figures, status, signature] = await Promise.all([
    getVersionById(ctx, row.modelVersionId),
    pool.figures(id),
    pool.status(),
    pool.signature(),
  ]);
  return toEndpointInfo({
    row,
    modelId: version.modelId,
    version: version.version,
    figures,
    status,
    signature,
  });
}

/** Drops stored minutes older than 30 days; tells how many. */
export const sweepMinutes = ({ db, now }: { db: Db; now: Date }): Promise<number> =>
  deleteMinutesBefore(db, new Date(now.getTime() - KEPT_MS));

import { allow } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { sha256Hex } from "../../kernel/secret.ts";
import { getInferenceStatus } from "../inference/index.ts";
import { expose, type MetricFamily } from "./exposition.ts";
import { poolFamilies, selfFamilies, stockFamilies, trafficFamilies } from "./families.ts";
import { countStock, type Stock } from "./stock.repo.ts";

// Whoever may look may look as often as he likes; the database is asked this often.
const FRESH_MS = 5_000;
let latest: { at: number; stock: Stock } | undefined;

async function stockOf(ctx: Ctx): Promise<Stock> {
  const at = ctx.now.getTime();
  if (latest && at - latest.at < FRESH_MS) return latest.stock;
  const stock = await countStock(ctx.db, new Date(at - ctx.settings.leaseSeconds * 1000));
  latest = { at, stock };
  return stock;
}

/** What `work` finds, or nothing of it: figures that cannot be had are left out, never 0. */
async function attempt(
  ctx: Ctx,
  source: string,
  work: Promise<MetricFamily[]>,
): Promise<MetricFamily[] | null> {
  try {
    return await work;
  } catch (error) {
    ctx.log("warn", "metrics.source_failed", { source, error });
    return null;
  }
}

async function textOf(ctx: Ctx): Promise<string> {
  const [traffic, stock, pools] = await Promise.all([
    attempt(ctx, "traffic_board", ctx.traffic.totals().then(trafficFamilies)),
    attempt(ctx, "database", stockOf(ctx).then(stockFamilies)),
    attempt(ctx, "pools", getInferenceStatus(ctx).then(poolFamilies)),
  ]);
  const self = selfFamilies({ database: stock !== null, traffic: traffic !== null });
  return expose([self, traffic, stock, pools].flatMap((families) => families ?? []));
}

/** The deployment's figures in Prometheus' text format, for somebody signed in. */
export function readMetrics(ctx: Ctx): Promise<string> {
  allow(ctx, "system:read");
  return textOf(ctx);
}

/** Compares hashes, so that how long it takes tells nothing of either text. */
const isSame = async (a: string, b: string): Promise<boolean> =>
  (await sha256Hex(a)) === (await sha256Hex(b));

/** The same for a scraper that shows `METRICS_TOKEN`, where there is one, or for who may see the whole deployment. */
export async function scrapeMetrics(ctx: Ctx, shown: string | undefined): Promise<string> {
  const token = ctx.settings.metricsToken;
  const isScraper = token !== null && shown !== undefined && (await isSame(shown, token.reveal()));
  if (!isScraper) allow(ctx, "stats:read");
  return textOf(ctx);
}

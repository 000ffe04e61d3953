import { type Client, closedLoop, type Load, median, percentile } from "./load.ts";
import { archived, batches, metricsPath, newRun, onPlatform } from "./setup.ts";
import { atMost, ms, number, type Row } from "./table.ts";

const POINTS = 100_000;
const REQUESTS = 30;
const WARM_REQUESTS = 5;
const MAX_POINTS = 1000;
const EXPORTS = 3;

async function timed(client: Client, path: string): Promise<Load> {
  const get = () => client.send({ method: "GET", path });
  await closedLoop(1, { calls: WARM_REQUESTS }, get);
  return closedLoop(1, { calls: REQUESTS }, get);
}

/** Reads all points page by page; returns megabytes and how many points there were. */
async function exportAll(client: Client, first: string) {
  let bytes = 0;
  let points = 0;
  for (let path: string | undefined = first; path !== undefined;) {
    const { body, headers } = await client.send({ method: "GET", path });
    bytes += body.length;
    points += body.toString().split('"seq":').length - 1;
    path = /^<([^>]+)>; rel="next"/.exec(String(headers["link"] ?? ""))?.[1];
  }
  return { megabytes: bytes / 1e6, points };
}

async function exportRow(client: Client, path: string): Promise<Row> {
  const seconds: number[] = [];
  let size = 0;
  for (let i = 0; i < EXPORTS; i++) {
    const startedAt = performance.now();
    const { megabytes, points } = await exportAll(client, path);
    seconds.push((performance.now() - startedAt) / 1000);
    if (points !== POINTS) throw new Error(`${points} points were exported.`);
    size = megabytes;
  }
  const took = median(seconds);
  return {
    what: `all ${number(POINTS)} points, page by page`,
    measured: `${number(size, 1)} MB in ${number(took, 2)} s: ${number(size / took, 1)} MB/s`,
  };
}

/** Reading back a long run. */
export const history = (workerDir: string): Promise<Row[]> =>
  onPlatform(workerDir, { agent: false }, async (bench) => {
    const { client } = bench;
    const runId = await newRun(bench);
    for (const call of batches(runId, POINTS)) await client.send(call);
    await archived(bench, runId, POINTS);
    const path = metricsPath(runId);
    const sampled = `${path}?max_points=${MAX_POINTS}`;
    const kept = (await client.ask<unknown[]>({ method: "GET", path: sampled })).length;
    const { latencies } = await timed(client, sampled);
    const p50 = percentile(latencies, 0.5);
    const run = await timed(client, path.replace(/\/metrics$/, ""));
    return [
      {
        what: `${number(POINTS)} points of 3 keys reduced to at most ${number(MAX_POINTS)} (${number(kept)} came), p50 of ${REQUESTS}`,
        measured: ms(p50),
        target: atMost(p50, 50, "ms"),
      },
      { what: "the same, p95", measured: ms(percentile(latencies, 0.95)) },
      {
        what: "for comparison, p50 of the run alone (who asks, and the run's row)",
        measured: ms(percentile(run.latencies, 0.5)),
      },
      await exportRow(client, path),
    ];
  });

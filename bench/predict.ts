import { setTimeout as delay } from "node:timers/promises";
import { type Call, closedLoop, inTurns, type Load, median, percentile, post } from "./load.ts";
import { type Bench, onPlatform } from "./setup.ts";
import { atLeast, atMost, ms, number, type Row, times } from "./table.ts";

const CONCURRENCIES = [1, 8, 32];
const ROUNDS = 9;
const ROUND_SECONDS = 2;
const WARM_SECONDS = 3;
const ROWS = 32;
const COUNTED_SECONDS = 20;

export const ROW = [5.1, 3.5, 1.4, 0.2];

/** Trains iris through the API, deploys what came out, and returns the address that predicts. */
export async function deployIris({ client }: Bench): Promise<string> {
  const dataset = await client.ask<{ id: string }>(post("/api/builtin-datasets/iris/prepare", {}));
  const config = { epochs: 20, batch_size: 16, learning_rate: 0.01, hidden: [16], seed: 1 };
  const run = { name: "iris", model_type: "mlp", dataset_id: dataset.id, config };
  const { id } = await client.ask<{ id: string }>(post("/api/training/runs", run));
  const version = await trained(client, id);
  const versionPath = `/api/models/${version.model_id}/versions/${version.version}`;
  const endpoint = await client.ask<{ id: string }>(post(`${versionPath}/deploy`, { name: "iris-bench" }));
  await client.send({ method: "POST", path: `/api/inference/endpoints/${endpoint.id}/start` });
  return "/api/inference/predict/iris-bench";
}

interface Run {
  status: string;
  error_message?: string;
  registered_version?: { model_id: string; version: number };
}

async function trained(client: Bench["client"], runId: string) {
  for (;;) {
    const run = await client.ask<Run>({ method: "GET", path: `/api/training/runs/${runId}` });
    if (run.registered_version && run.status === "completed") return run.registered_version;
    if (run.status === "failed") throw new Error(`training failed: ${run.error_message}`);
    await delay(200);
  }
}

interface Pair {
  predict: Load;
  echo: Load;
}

async function rounds({ client }: Bench, clients: number, predict: Call, echo: Call): Promise<Pair[]> {
  const load = (call: Call) => () => closedLoop(clients, { seconds: ROUND_SECONDS }, () => client.send(call));
  const pairs = await inTurns(ROUNDS, load(predict), load(echo));
  return pairs.map(([predict, echo]) => ({ predict, echo }));
}

const p50 = ({ latencies }: Load) => percentile(latencies, 0.5);

function rowsOf(clients: number, pairs: Pair[]): Row[] {
  const of = (read: (pair: Pair) => number) => median(pairs.map(read));
  const line = (kind: keyof Pair): Row => ({
    what: `${kind}, c=${clients}`,
    measured: `p50 ${ms(of((pair) => p50(pair[kind])))}, p95 ${ms(of((pair) => percentile(pair[kind].latencies, 0.95)))}, ${number(of((pair) => pair[kind].perSecond))} requests/s`,
  });
  const slowdown = of(({ predict, echo }) => p50(predict) / p50(echo));
  const share = of(({ predict, echo }) => predict.perSecond / echo.perSecond);
  return [
    line("predict"),
    line("echo"),
    {
      what: `predict : echo, c=${clients}, p50`,
      measured: times(slowdown),
      ...(clients === 1 && { target: atMost(slowdown, 1.6, "×") }),
    },
    {
      what: `predict : echo, c=${clients}, throughput`,
      measured: times(share),
      ...(clients === 32 && { target: atLeast(share, 0.6, "×") }),
    },
  ];
}

async function manyRows({ client }: Bench, path: string): Promise<Row[]> {
  const call = post(path, { inputs: Array.from({ length: ROWS }, () => ROW) });
  const rows: Row[] = [];
  for (const clients of [1, 8]) {
    const speeds: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      const load = await closedLoop(clients, { seconds: ROUND_SECONDS / 2 }, () => client.send(call));
      speeds.push(load.perSecond * ROWS);
    }
    const speed = median(speeds);
    rows.push({
      what: `${ROWS} rows a request, c=${clients}`,
      measured: `${number(speed)} rows/s`,
      ...(clients === 8 && { target: atLeast(speed, 15_000, "rows/s") }),
    });
  }
  return rows;
}

const TRANSACTIONS =
  "select xact_commit::int as count from pg_stat_database where datname = current_database()";
// A session's last transactions show up in the statistics once it has been idle for a moment, a second at the latest.
const STATISTICS_MS = 1_500;

async function transactions({ query }: Bench, during: () => Promise<unknown>): Promise<number> {
  const read = async () => {
    await delay(STATISTICS_MS);
    return (await query<{ count: number }>(TRANSACTIONS))[0]!.count;
  };
  const before = await read();
  await during();
  return (await read()) - before;
}

/** Compares the transactions Postgres sees under load with those it sees without (agent, cron, this look itself). */
async function warmPath(bench: Bench, predict: Call): Promise<Row> {
  const idle = await transactions(bench, () => delay(COUNTED_SECONDS * 1000));
  let calls = 0;
  const busy = await transactions(bench, async () => {
    const load = await closedLoop(4, { seconds: COUNTED_SECONDS }, () => bench.client.send(predict));
    calls = load.latencies.length;
  });
  // The session and the endpoint are looked up again every 5 s, by up to four callers at once; the cron runs each minute.
  const allowed = (COUNTED_SECONDS / 5) * 2 * 4 + 16;
  const more = busy - idle;
  return {
    what: `Postgres transactions during ${number(calls)} warm predictions (${COUNTED_SECONDS} s), beyond the ${idle} of an idle platform`,
    measured: number(more),
    target: atMost(more, allowed, "(caches of 5 s, cron)"),
  };
}

/** A tiny model through everything, against a bare echo from Worker to Durable Object and back. */
export const predict = (workerDir: string): Promise<Row[]> =>
  onPlatform(workerDir, { agent: true }, async (bench) => {
    const body = { inputs: [ROW] };
    const call = post(await deployIris(bench), body);
    const echo = post("/bench/echo", body);
    for (const warm of [call, echo])
      await closedLoop(8, { seconds: WARM_SECONDS }, () => bench.client.send(warm));
    const rows: Row[] = [];
    for (const clients of CONCURRENCIES)
      rows.push(...rowsOf(clients, await rounds(bench, clients, call, echo)));
    rows.push(...(await manyRows(bench, call.path)));
    rows.push(await warmPath(bench, call));
    return rows;
  });

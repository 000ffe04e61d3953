import { closedLoop, median, percentile, post } from "./load.ts";
import {
  archived,
  BATCH,
  batches,
  type Bench,
  metricsPath,
  newRun,
  onPlatform,
  pointAt,
  workerdMegabytes,
} from "./setup.ts";
import { atLeast, atMost, ms, number, type Row } from "./table.ts";

const CONCURRENCIES = [1, 2, 4, 8];
const TARGET_CONCURRENCY = 4;
const ROUNDS = 5;
const ROUND_POINTS = 200_000;
const SINGLE_CLIENTS = 16;
const SINGLE_SECONDS = 3;
const SOAK_POINTS = 2_000_000;
const SOAK_QUARTERS = 4;
const SAMPLE_MS = 200;

/** Points a second of a fresh run, in full batches. */
async function batchSpeed(bench: Bench, clients: number, points: number): Promise<number> {
  const runId = await newRun(bench);
  const calls = batches(runId, points);
  const load = await closedLoop(clients, { calls: calls.length }, (i) => bench.client.send(calls[i]!));
  await archived(bench, runId, points);
  return load.perSecond * BATCH;
}

async function batchRows(bench: Bench): Promise<Row[]> {
  const speeds = new Map(CONCURRENCIES.map((clients) => [clients, [] as number[]]));
  // Every concurrency once a round, so that drift hits all of them.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [clients, found] of speeds) found.push(await batchSpeed(bench, clients, ROUND_POINTS));
  }
  return [...speeds].map(([clients, found]) => {
    const speed = median(found);
    return {
      what: `batches of ${number(BATCH)} points, c=${clients}`,
      measured: `${number(speed)} points/s`,
      ...(clients === TARGET_CONCURRENCY && { target: atLeast(speed, 50_000, "points/s") }),
    };
  });
}

async function singleRow(bench: Bench): Promise<Row> {
  const speeds: number[] = [];
  const middles: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const path = metricsPath(await newRun(bench));
    const calls = Array.from({ length: 20_000 }, (_, i) => post(path, pointAt(i)));
    const load = await closedLoop(SINGLE_CLIENTS, { seconds: SINGLE_SECONDS }, (i) =>
      bench.client.send(calls[i]!),
    );
    speeds.push(load.perSecond);
    middles.push(percentile(load.latencies, 0.5));
  }
  const speed = median(speeds);
  return {
    what: `single points, c=${SINGLE_CLIENTS}`,
    measured: `${number(speed)} requests/s, p50 ${ms(median(middles))}`,
    target: atLeast(speed, 800, "requests/s"),
  };
}

/** Memory while two million points go into one run, and how far behind the archive is at the end. */
async function soak(bench: Bench): Promise<Row[]> {
  const runId = await newRun(bench);
  const calls = batches(runId, SOAK_POINTS);
  const samples = [workerdMegabytes(bench)];
  let peak = 0;
  const sampler = setInterval(() => (peak = Math.max(peak, workerdMegabytes(bench))), SAMPLE_MS);
  const quarter = calls.length / SOAK_QUARTERS;
  let seconds = 0;
  for (let from = 0; from < calls.length; from += quarter) {
    const send = (i: number) => bench.client.send(calls[from + i]!);
    seconds += (await closedLoop(TARGET_CONCURRENCY, { calls: quarter }, send)).seconds;
    samples.push(workerdMegabytes(bench));
  }
  const behind = await archived(bench, runId, SOAK_POINTS);
  clearInterval(sampler);
  const after = workerdMegabytes(bench);
  const growth = samples.at(-1)! / samples[1]!;
  const memory = samples.map((sample) => number(sample)).join(" / ");
  return [
    {
      what: `${number(SOAK_POINTS)} points into one run, c=${TARGET_CONCURRENCY}`,
      measured: `${number(seconds, 1)} s, ${number(SOAK_POINTS / seconds)} points/s`,
    },
    {
      what: "workerd's memory at 0 / 25 / 50 / 75 / 100 % of them",
      measured: `${memory} MB (peak ${number(peak)}, after archiving ${number(after)})`,
    },
    {
      what: "its growth from 25 % to 100 %",
      measured: `${number(growth, 2)} ×`,
      target: atMost(growth, 1.2, "×"),
    },
    { what: "last acknowledgement until all is archived in Postgres", measured: `${number(behind, 1)} s` },
  ];
}

/** Metrics into a run that reports by itself. */
export const ingest = (workerDir: string): Promise<Row[]> =>
  onPlatform(workerDir, { agent: false }, async (bench) => {
    await batchSpeed(bench, TARGET_CONCURRENCY, ROUND_POINTS);
    return [...(await batchRows(bench)), await singleRow(bench), ...(await soak(bench))];
  });

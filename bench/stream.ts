import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import WebSocket from "ws";
import { percentile, post } from "./load.ts";
import { type Bench, metricsPath, newRun, onPlatform, pointAt } from "./setup.ts";
import { atMost, ms, number, type Row } from "./table.ts";

const WATCHERS = 500;
const OPENED_AT_ONCE = 20;
const POINTS_PER_SECOND = 20;
const SECONDS = 20;
const WARM_POINTS = 20;
const POINTS = POINTS_PER_SECOND * SECONDS;
const GRACE_MS = 2_000;

interface Frame {
  type: string;
  data: { points: { step: number }[] };
}

/** When each point was sent, how long it took to each watcher, and how often it came. */
class Receipts {
  readonly latencies: number[] = [];
  readonly sentAt = new Float64Array(POINTS + WARM_POINTS);
  readonly counts: Uint8Array[] = [];

  /** Notes every point of the frames one socket gets. */
  watch(socket: WebSocket): void {
    const counts = new Uint8Array(POINTS + WARM_POINTS);
    this.counts.push(counts);
    socket.on("message", (data) => {
      const now = performance.now();
      const frame = JSON.parse(String(data)) as Frame;
      if (frame.type !== "metrics") return;
      for (const { step } of frame.data.points) {
        counts[step]!++;
        if (step >= WARM_POINTS) this.latencies.push(now - this.sentAt[step]!);
      }
    });
  }

  /** Deliveries that are missing or came twice. */
  wrong(): number {
    return this.counts.reduce((sum, counts) => sum + counts.filter((count) => count !== 1).length, 0);
  }
}

async function openWatchers(
  { url, accessToken }: Bench,
  runId: string,
  receipts: Receipts,
  perMessageDeflate: boolean,
) {
  const address = `${url.replace(/^http/, "ws")}/api/training/runs/${runId}/stream`;
  const sockets: WebSocket[] = [];
  while (sockets.length < WATCHERS) {
    const opening = Array.from({ length: OPENED_AT_ONCE }, async () => {
      const socket = new WebSocket(address, ["myelin.stream", `bearer.${accessToken}`], {
        perMessageDeflate,
      });
      receipts.watch(socket);
      await once(socket, "open");
      return socket;
    });
    sockets.push(...(await Promise.all(opening)));
  }
  return sockets;
}

/** Sends point after point at an even pace, whether or not the last one has been answered. */
async function report({ client }: Bench, runId: string, receipts: Receipts): Promise<number[]> {
  const calls = Array.from(receipts.sentAt, (_, step) => post(metricsPath(runId), pointAt(step)));
  const answers: number[] = [];
  const startedAt = performance.now();
  const sending: Promise<void>[] = [];
  for (const [step, call] of calls.entries()) {
    await delay(Math.max(0, startedAt + (step * 1000) / POINTS_PER_SECOND - performance.now()));
    const sentAt = performance.now();
    receipts.sentAt[step] = sentAt;
    sending.push(client.send(call).then(() => void answers.push(performance.now() - sentAt)));
  }
  await Promise.all(sending);
  return answers.toSorted((a, b) => a - b);
}

/** One stretch of points to all watchers of a fresh run, who offer compression (as browsers do) or not. */
async function broadcast(bench: Bench, perMessageDeflate: boolean): Promise<Row[]> {
  const runId = await newRun(bench);
  const receipts = new Receipts();
  const startedAt = performance.now();
  const sockets = await openWatchers(bench, runId, receipts, perMessageDeflate);
  const opened = (performance.now() - startedAt) / 1000;
  const answers = await report(bench, runId, receipts);
  await delay(GRACE_MS);
  const isCompressed = sockets[0]!.extensions !== "";
  for (const socket of sockets) socket.terminate();
  const latencies = Float64Array.from(receipts.latencies).sort();
  const p95 = percentile(latencies, 0.95);
  const wrong = receipts.wrong();
  const deliveries = (POINTS + WARM_POINTS) * WATCHERS;
  const who = perMessageDeflate ? "watchers like browsers" : "watchers that offer no compression";
  return [
    {
      what: `${who} (frames ${isCompressed ? "" : "not "}compressed), sent to received, p95`,
      measured: ms(p95),
      ...(perMessageDeflate && { target: atMost(p95, 100, "ms") }),
    },
    {
      what: `${who}, p50 and slowest`,
      measured: `${ms(percentile(latencies, 0.5))}, ${ms(latencies.at(-1)!)}`,
    },
    {
      what: `${who}, of ${number(deliveries)} deliveries missing or twice`,
      measured: number(wrong),
      target: { text: "0", met: wrong === 0 },
    },
    {
      what: `${who}, sent to acknowledged, p50 and p95`,
      measured: `${ms(percentile(answers, 0.5))}, ${ms(percentile(answers, 0.95))}`,
    },
    { what: `${who}, opening all ${WATCHERS}`, measured: `${number(opened, 1)} s` },
  ];
}

/** How long a point takes from its sender to all who watch the run: 500 of them, 20 points/s for 20 s. */
export const stream = (workerDir: string): Promise<Row[]> =>
  onPlatform(workerDir, { agent: false }, async (bench) => [
    ...(await broadcast(bench, true)),
    ...(await broadcast(bench, false)),
  ]);

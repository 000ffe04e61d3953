import { LATENCY_BOUNDS_SECONDS, type TrafficTotals } from "../../kernel/ports/traffic-board.ts";
import { VERSION } from "../../kernel/version.ts";
import { histogramSamples, type MetricFamily, type MetricSample } from "./exposition.ts";
import type { Stock } from "./stock.repo.ts";

const RUN_STATUSES = ["pending", "running", "completed", "failed", "stopped"];
const ENDPOINT_STATUSES = ["stopped", "starting", "running", "error"];

const gauge = (name: string, help: string, ...values: (number | null)[]): MetricFamily => ({
  ...{ name, type: "gauge", help },
  samples: values.flatMap((value) => (value === null ? [] : [{ value }])),
});

const byStatus = (statuses: string[], counts: Record<string, number>): MetricSample[] =>
  statuses.map((status) => ({ labels: { status }, value: counts[status] ?? 0 }));

/** What this is, and what of it answers. */
export const selfFamilies = (isUp: { database: boolean; traffic: boolean }): MetricFamily[] => [
  {
    ...{ name: "myelin_info", type: "gauge", help: "The deployment's version; always 1." },
    samples: [{ labels: { version: VERSION }, value: 1 }],
  },
  {
    name: "myelin_up",
    type: "gauge",
    help: "Whether what the other figures come from answers; where it does not, they are missing.",
    samples: [
      { labels: { component: "database" }, value: Number(isUp.database) },
      { labels: { component: "traffic_board" }, value: Number(isUp.traffic) },
    ],
  },
];

/** Requests, errors and latencies by route. */
export function trafficFamilies({ since, isolates, series }: TrafficTotals): MetricFamily[] {
  const COUNTED =
    "Counted in each isolate and added up within seconds; those of an isolate that crashes are lost.";
  return [
    {
      name: "myelin_http_requests_total",
      type: "counter",
      help: `Requests answered, by route template. ${COUNTED}`,
      samples: series.flatMap(({ method, route, statuses }) =>
        statuses.map(([status, value]) => ({ labels: { method, route, status: String(status) }, value })),
      ),
    },
    {
      name: "myelin_http_request_errors_total",
      type: "counter",
      help: "Requests answered with a status of 500 or above.",
      samples: series.map(({ method, route, statuses }) => ({
        labels: { method, route },
        value: statuses.reduce((sum, [status, count]) => sum + (status >= 500 ? count : 0), 0),
      })),
    },
    {
      name: "myelin_http_request_duration_seconds",
      type: "histogram",
      help: "Time from the request to its answer's headers, in whole milliseconds, by a clock that on Cloudflare moves only while the Worker waits.",
      samples: series.flatMap(({ method, route, buckets, sumSeconds }) =>
        histogramSamples({ method, route }, { bounds: LATENCY_BOUNDS_SECONDS, buckets, sum: sumSeconds }),
      ),
    },
    gauge("myelin_http_counting_since_timestamp_seconds", "Since when requests are counted.", since / 1000),
    gauge("myelin_worker_isolates", "Isolates that told of requests within the last minute.", isolates),
  ];
}

/** What the database knows of. */
export const stockFamilies = (stock: Stock): MetricFamily[] => [
  gauge("myelin_users", "Accounts.", stock.users),
  {
    ...{ name: "myelin_runs", type: "gauge", help: "Training runs by status." },
    samples: byStatus(RUN_STATUSES, stock.runs),
  },
  gauge("myelin_training_queue_runs", "Runs that wait for an agent.", stock.queued),
  {
    ...{ name: "myelin_endpoints", type: "gauge", help: "Inference endpoints by status." },
    samples: byStatus(ENDPOINT_STATUSES, stock.endpoints),
  },
  gauge("myelin_agents", "Agents that are registered.", stock.agents),
  gauge("myelin_agents_connected", "Agents heard of within the lease time.", stock.agents_connected),
];

/** What the pools say; nothing where there are too many to ask, or one did not answer. */
export const poolFamilies = (pools: {
  models_loaded: number | null;
  pool_utilization: number | null;
}): MetricFamily[] => [
  gauge(
    "myelin_models_loaded",
    "Model pools (Durable Objects) with their model in memory.",
    pools.models_loaded,
  ),
  gauge(
    "myelin_inference_utilization_ratio",
    "Predictions under way, of those the running endpoints let in at once.",
    pools.pool_utilization,
  ),
];

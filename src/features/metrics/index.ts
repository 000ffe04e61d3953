/**
 * The deployment's own figures for Prometheus: requests by route, and how many there are of what.
 * No tables, no blobs. Object: TrafficBoard, one (its storage: `traffic`).
 */
export { metricsRoutes } from "./metrics.routes.ts";
export { createTrafficBoard } from "./traffic-board.object.ts";
export { trafficGate } from "./traffic-gate.ts";
export { TrafficMeter } from "./traffic-meter.ts";

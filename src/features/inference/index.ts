/**
 * Serving: endpoints, the pools of their models, predictions and figures.
 * Tables: endpoints, endpoint_metrics. Blobs: only reads those of models. Objects: ModelPool, one per model version
 * (its storage: `model`, `endpoint:<id>`, `lastUsedAt`).
 */
import { createRouter } from "#http/router";
import { endpointRoutes } from "./endpoints.routes.ts";
import { openInferenceRoutes } from "./open-inference.routes.ts";
import { predictRoutes } from "./predict.routes.ts";
import { servingStatusRoutes } from "./serving-status.routes.ts";

export type { ServingEndpoint } from "./endpoints.repo.ts";
export { deleteEndpoint, endpointsServing } from "./endpoints.service.ts";
export { sweepMinutes } from "./endpoint-figures.service.ts";
export { upsertMinutes as recordMinutes } from "./endpoint-metrics.repo.ts";
export { createModelPool } from "./model-pool.object.ts";
export { getInferenceStatus } from "./serving-status.service.ts";
export type { ModelPoolPorts } from "./serving-pool.ts";

export const inferenceRoutes = createRouter();
inferenceRoutes.route("/", predictRoutes);
inferenceRoutes.route("/", endpointRoutes);
inferenceRoutes.route("/", servingStatusRoutes);
inferenceRoutes.route("/", openInferenceRoutes);

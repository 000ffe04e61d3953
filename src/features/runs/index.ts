/**
 * Training runs: their life, their queue, their live feed, what they leave behind, and the agents' hold on them.
 * Tables: runs, run_chunks, run_artifacts. Object: RunFeed, one per run. Blobs: `runs/<run id>/<uuid>`.
 */
export { artifactRoutes } from "./artifacts.routes.ts";
export { feedRoutes } from "./feed.routes.ts";
export { leaseRoutes } from "./leases.routes.ts";
export { queueRoutes } from "./queue.routes.ts";
export { findRunActor, isRunToken } from "./run-access.service.ts";
export { createRunArchive } from "./run-archive.repo.ts";
export { createRunFeed, type RunFeedPorts } from "./run-feed.object.ts";
export { runRoutes } from "./runs.routes.ts";
export { sweepLostRuns } from "./runs.service.ts";
export { streamRoutes } from "./stream.routes.ts";

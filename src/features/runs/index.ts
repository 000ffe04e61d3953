/**
 * Training runs: their life, their live feed, and the agents' hold on them.
 * Tables: runs, run_chunks. Object: RunFeed, one per run. Blobs: `runs/<run id>/<uuid>`.
 */
export { feedRoutes } from "./feed.routes.ts";
export { leaseRoutes } from "./leases.routes.ts";
export { createRunArchive } from "./run-archive.repo.ts";
export { createRunFeed, type RunFeedPorts } from "./run-feed.object.ts";
export { runRoutes } from "./runs.routes.ts";
export { sweepLostRuns } from "./runs.service.ts";
export { STREAM_PROTOCOL, streamRoutes } from "./stream.routes.ts";

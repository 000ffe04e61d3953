/**
 * Rate limits where no Redis is configured.
 * Object: RateWindow, one per shard of the keys (its storage: `counts`).
 */
export { createRateWindow } from "./rate-window.object.ts";

/**
 * Taking models and versions away, with what serves them when that is wanted: the one place that knows both.
 * Tables, blobs, objects: none of its own.
 */
export { retirementRoutes } from "./retirements.routes.ts";

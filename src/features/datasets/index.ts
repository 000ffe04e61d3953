/**
 * Datasets people upload, and the catalogue of those that ship.
 * Table: datasets. Blobs: `datasets/<owner id>/<uuid>`.
 */
export { builtinRoutes } from "./builtins.routes.ts";
export { datasetRoutes } from "./datasets.routes.ts";
export { findDatasetOf, getDatasetFile } from "./datasets.service.ts";

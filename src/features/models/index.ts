/**
 * The model registry: models and their numbered, immutable versions.
 * Tables: models, model_versions. Blobs: `models/<model id>/<uuid>`.
 */
export { ModelVersion } from "./models.schema.ts";
export { modelRoutes } from "./models.routes.ts";
export {
  findRunVersion,
  findVersionOf,
  getModel,
  getVersionById,
  getVersionForServing,
  registerRunFile,
  registerRunModel,
  uploadVersion,
} from "./models.service.ts";

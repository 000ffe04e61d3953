/**
 * The model registry: models, their numbered, immutable versions, and names for these that move on.
 * Tables: models, model_versions, model_aliases. Blobs: `models/<model id>/<uuid>`.
 */
import { createRouter } from "#http/router";
import { aliasRoutes } from "./aliases.routes.ts";
import { modelRoutes as modelsThemselves } from "./models.routes.ts";
import { publicModelRoutes } from "./public-models.routes.ts";
import { versionRoutes } from "./versions.routes.ts";

export { versionInUse } from "./models.errors.ts";
export { deleteModel, getModel } from "./models.service.ts";
export { findRunVersion, findVersionOf, registerRunFile, registerRunModel } from "./run-versions.service.ts";
export { recognizeStored } from "./recognition.service.ts";
export { addToolVersion } from "./tool-versions.service.ts";
export { findUploadedVersion, registerUpload } from "./upload-versions.service.ts";
export type { OwnedVersion } from "./versions.repo.ts";
export { ModelVersion, VersionParams } from "./versions.schema.ts";
export {
  deleteVersion,
  findVersionByRef,
  getVersionById,
  getVersionForServing,
  requireOwnRun,
  uploadVersion,
} from "./versions.service.ts";

export const modelRoutes = createRouter();
modelRoutes.route("/", modelsThemselves);
modelRoutes.route("/", versionRoutes);
modelRoutes.route("/", aliasRoutes);
modelRoutes.route("/", publicModelRoutes);

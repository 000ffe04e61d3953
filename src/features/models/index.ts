/**
 * The model registry: models and their numbered, immutable versions.
 * Tables: models, model_versions. Blobs: `models/<model id>/<uuid>`.
 */
import { createRouter } from "#http/router";
import { modelRoutes as oneByOne } from "./models.routes.ts";
import { versionRoutes } from "./versions.routes.ts";

export { getModel } from "./models.service.ts";
export { findRunVersion, findVersionOf, registerRunFile, registerRunModel } from "./run-versions.service.ts";
export { addToolVersion } from "./tool-versions.service.ts";
export type { OwnedVersion } from "./versions.repo.ts";
export { ModelVersion, VersionParams } from "./versions.schema.ts";
export { findVersionByRef, getVersionById, getVersionForServing, uploadVersion } from "./versions.service.ts";

export const modelRoutes = createRouter();
modelRoutes.route("/", oneByOne);
modelRoutes.route("/", versionRoutes);

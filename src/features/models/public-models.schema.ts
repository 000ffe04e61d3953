import type { z } from "#http/contract";
import { ModelVersion, type NamedVersion, toModelVersion } from "./versions.schema.ts";

/** A version without what leads to its owner's other things: the run and the data it was trained on. */
export const PublicVersion = ModelVersion.omit({
  training_run_id: true,
  dataset_id: true,
  dataset_sha256: true,
}).openapi("PublicModelVersion");
export type PublicVersion = z.infer<typeof PublicVersion>;

export function toPublicVersion(row: NamedVersion): PublicVersion {
  const { training_run_id: _run, dataset_id: _dataset, dataset_sha256: _data, ...rest } = toModelVersion(row);
  return rest;
}

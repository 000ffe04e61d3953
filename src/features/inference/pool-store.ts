import type { ModelFile, ModelSignature, PoolLimits } from "../../kernel/ports/model-pools.ts";
import type { StoredFigures } from "./figures.ts";
import type { StoredMinutes } from "./minute-log.ts";

/** The model a pool serves, as far as it has to be known before it is in memory. */
export interface StoredModel {
  file: ModelFile;
  signature: ModelSignature;
}

/** What a pool keeps of an endpoint. Without `limits` it is stopped, and only its last minute is still to be written. */
export interface StoredEndpoint {
  limits: PoolLimits | null;
  figures: StoredFigures | null;
  minutes: StoredMinutes;
}

/** A pool's memory beyond eviction and restarts. */
export interface PoolStore {
  model(): StoredModel | undefined;
  saveModel(model: StoredModel): void;
  endpoints(): Iterable<[id: string, StoredEndpoint]>;
  /** Durable before anything is answered. */
  saveEndpoint(id: string, endpoint: StoredEndpoint): void;
  /** May be lost with the machine: the figures of the last second. */
  saveFigures(id: string, endpoint: StoredEndpoint): void;
  removeEndpoint(id: string): void;
  lastUsedAt(): number;
  saveLastUsedAt(at: number): void;
  /** Forgets everything. */
  clear(): void;
}

import type { EndpointStatus } from "../../db/schema.ts";
import { ExpiringLru } from "../../kernel/lru.ts";
import type { ModelSignature } from "../../kernel/ports/model-pools.ts";

/** What a call has to know of the endpoint it names. */
export interface Serving {
  endpointId: string;
  ownerId: string;
  versionId: string;
  version: number;
  status: EndpointStatus;
  errorMessage: string | null;
}

// Another isolate's stop is noticed at once all the same: the pool refuses. This bounds the rest (owner, new states).
const TTL_MS = 5_000;
const SIGNATURE_TTL_MS = 3_600_000;

const servings = new ExpiringLru<Serving>(1_000, TTL_MS);
// Versions never change, so neither do their signatures.
const signatures = new ExpiringLru<ModelSignature>(500, SIGNATURE_TTL_MS);

export const cachedServing = (name: string, now: Date): Serving | undefined =>
  servings.get(name, now.getTime());
export const cacheServing = (name: string, serving: Serving, now: Date): void =>
  servings.set(name, serving, now.getTime());
export const forgetServing = (name: string): void => servings.delete(name);

export const cachedSignature = (versionId: string, now: Date): ModelSignature | undefined =>
  signatures.get(versionId, now.getTime());
export const cacheSignature = (versionId: string, signature: ModelSignature, now: Date): void =>
  signatures.set(versionId, signature, now.getTime());

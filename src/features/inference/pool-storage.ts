import type { PoolStore, StoredEndpoint, StoredModel } from "./pool-store.ts";

const ENDPOINT = "endpoint:";

/** A pool's memory in the key-value face of its object's SQLite storage. */
export const createPoolStore = (storage: DurableObjectStorage): PoolStore => {
  // Figures of the last second are no reason to hold answers back until the disk has them.
  const putLater = (key: string, value: unknown) => void storage.put(key, value, { allowUnconfirmed: true });
  return {
    model: () => storage.kv.get<StoredModel>("model"),
    saveModel: (model) => storage.kv.put("model", model),
    *endpoints() {
      for (const [key, endpoint] of storage.kv.list<StoredEndpoint>({ prefix: ENDPOINT })) {
        yield [key.slice(ENDPOINT.length), endpoint];
      }
    },
    saveEndpoint: (id, endpoint) => storage.kv.put(ENDPOINT + id, endpoint),
    saveFigures: (id, endpoint) => putLater(ENDPOINT + id, endpoint),
    removeEndpoint: (id) => void storage.kv.delete(ENDPOINT + id),
    lastUsedAt: () => storage.kv.get<number>("lastUsedAt") ?? 0,
    saveLastUsedAt: (at) => putLater("lastUsedAt", at),
    clear: () => void storage.deleteAll(),
  };
};

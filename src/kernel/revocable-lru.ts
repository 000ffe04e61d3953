import { ExpiringLru } from "./lru.ts";

/** An expiring cache whose entries belong to somebody, and are gone at once when one of those is revoked. */
export class RevocableLru<V> {
  readonly #capacity: number;
  readonly #ttlMs: number;
  #entries: ExpiringLru<V>;
  #keysOf = new Map<string, Set<string>>();
  #links = 0;

  constructor(capacity: number, ttlMs: number) {
    this.#capacity = capacity;
    this.#ttlMs = ttlMs;
    this.#entries = new ExpiringLru(capacity, ttlMs);
  }

  get(key: string, now: number): V | undefined {
    return this.#entries.get(key, now);
  }

  set(key: string, value: V, owners: readonly string[], now: number): void {
    // All or nothing: no owner may lose sight of an entry that still counts.
    if (this.#links > 4 * this.#capacity) this.#clear();
    this.#entries.set(key, value, now);
    for (const owner of owners) this.#link(owner, key);
  }

  /** Forgets every entry that belongs to `owner`. */
  revoke(owner: string): void {
    const keys = this.#keysOf.get(owner);
    if (!keys) return;
    for (const key of keys) this.#entries.delete(key);
    this.#links -= keys.size;
    this.#keysOf.delete(owner);
  }

  #link(owner: string, key: string): void {
    const keys = this.#keysOf.get(owner) ?? new Set();
    if (!keys.has(key)) this.#links++;
    this.#keysOf.set(owner, keys.add(key));
  }

  #clear(): void {
    this.#entries = new ExpiringLru(this.#capacity, this.#ttlMs);
    this.#keysOf = new Map();
    this.#links = 0;
  }
}

/** A loaded model and what it costs; `release` gives its memory back. */
export interface Session {
  sizeBytes: number;
  release(): Promise<void>;
}

/** Sessions by key, at most `maxCount` and `maxBytes` of them; the least recently used go first. */
export class Sessions<S extends Session> {
  readonly #sessions = new Map<string, S>();
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#sessions.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(key: string): boolean {
    return this.#sessions.has(key);
  }

  /** The session, which thereby becomes the most recently used one. */
  use(key: string): S | undefined {
    const session = this.#sessions.get(key);
    if (!session) return undefined;
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    return session;
  }

  /** Releases the oldest ones until another session of `sizeBytes` fits; a single larger one fits into emptiness. */
  async makeRoom(sizeBytes: number): Promise<void> {
    while (
      this.#sessions.size > 0 &&
      (this.size >= this.#maxCount || this.#bytes + sizeBytes > this.#maxBytes)
    ) {
      await this.releaseOldest();
    }
  }

  /** Keeps a session; one already there under the same key is released. */
  async add(key: string, session: S): Promise<void> {
    await this.release(key);
    this.#sessions.set(key, session);
    this.#bytes += session.sizeBytes;
  }

  async release(key: string): Promise<void> {
    const session = this.#sessions.get(key);
    if (!session) return;
    this.#sessions.delete(key);
    this.#bytes -= session.sizeBytes;
    await session.release();
  }

  /** Releases the least recently used session but `except`; tells whether there was one. */
  async releaseOldest(except?: string): Promise<boolean> {
    for (const key of this.#sessions.keys()) {
      if (key === except) continue;
      await this.release(key);
      return true;
    }
    return false;
  }
}

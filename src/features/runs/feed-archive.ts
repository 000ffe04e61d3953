import { Exclusive } from "../../kernel/exclusive.ts";
import type { MetricPoint, RunEnding, Watcher } from "../../kernel/ports/run-feeds.ts";
import { compact } from "./feed-compaction.ts";
import type { Chunk, FeedMeta, FeedStore } from "./feed-store.ts";

/** Where a feed's history lives for good, and the run's row it belongs to. */
export interface RunArchive {
  /** `undefined` when the run is gone. */
  findRun(runId: string): Promise<FeedMeta | undefined>;
  loadChunks(runId: string, visit: (chunk: Chunk) => void): Promise<void>;
  /** Says what the run's row holds then; fails with a foreign key violation when there is none. */
  saveChunks(runId: string, chunks: Chunk[], latest: MetricPoint | undefined): Promise<FeedMeta | undefined>;
  /** Ends the run if it has not ended and, when `agentId` is given, that agent holds it. */
  endRun(runId: string, ending: RunEnding, agentId?: string): Promise<Change>;
  /** Fails the run if its agent has been silent for too long. */
  expireLease(runId: string, now: Date): Promise<Change>;
  /** Those of `watchers` who are still signed in and may see the run. */
  stillMay(runId: string, watchers: Watcher[]): Promise<Watcher[]>;
  /** `false` when it was gone already. */
  deleteRun(runId: string): Promise<boolean>;
}

/** Whether a write to the run's row did anything, and what the row holds after it. */
export interface Change {
  changed: boolean;
  meta: FeedMeta | undefined;
}

const BATCH = 8;

/** Copies what a feed has into the archive. */
export class FeedCopier {
  readonly #store: FeedStore;
  readonly #save: (chunks: Chunk[]) => Promise<void>;
  // An older copy of a chunk must not overwrite a newer one.
  readonly #copies = new Exclusive();

  constructor(store: FeedStore, save: (chunks: Chunk[]) => Promise<void>) {
    this.#store = store;
    this.#save = save;
  }

  /** In batches, until nothing is left. */
  copy(): Promise<void> {
    return this.#copies.run(async () => {
      for (const kind of ["metrics", "logs"] as const) {
        for (let more = true; more;) {
          compact(this.#store, kind);
          const chunks = this.#store.unarchived(kind, BATCH);
          if (chunks.length > 0) await this.#save(chunks);
          for (const chunk of chunks) this.#store.markArchived(chunk);
          more = chunks.length === BATCH;
        }
      }
    });
  }
}

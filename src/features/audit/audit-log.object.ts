import { DurableObject } from "cloudflare:workers";
import type { AuditEvent, AuditHead, AuditTrail } from "../../kernel/ports/audit-trail.ts";
import type { Log } from "../../kernel/log.ts";
import type { AuditArchive } from "./audit.repo.ts";
import { chain, type ChainKey, chainKey, type ChainedEvent, GENESIS } from "./chain.ts";

export interface AuditLogPorts {
  archive: AuditArchive;
  /** What the chain's key is made of. */
  secret: () => Promise<string>;
  log: Log;
}

const FLUSH_AFTER_MS = 500;
const RETRY_MS = 5_000;
const BATCH = 200;
const HEAD = "head";
const PREFIX = "event:";

const keyOf = (seq: number) => `${PREFIX}${String(seq).padStart(15, "0")}`;

/**
 * The class of the one object that gives events their place in the chain. What it accepted is in its own storage; the
 * table gets it in batches, and the same event twice changes nothing there. Its head is a second witness of how long the
 * chain is.
 */
export const createAuditLog = <Env>(portsOf: (env: Env) => AuditLogPorts) =>
  class AuditLog extends DurableObject<Env> implements AuditTrail {
    readonly #ports = portsOf(this.env);
    #key: ChainKey | undefined;
    #turn: Promise<unknown> = Promise.resolve();
    #isFlushDue = false;

    append(events: AuditEvent[]): Promise<void> {
      return this.#inTurn(() => this.#append(events));
    }

    sync(): Promise<AuditHead> {
      return this.#inTurn(async () => {
        await this.#flush();
        return this.#head();
      });
    }

    override async alarm(): Promise<void> {
      this.#isFlushDue = false;
      try {
        await this.#inTurn(() => this.#flush());
      } catch (error) {
        this.#ports.log("error", "audit.not_written", { error });
        await this.ctx.storage.setAlarm(Date.now() + RETRY_MS);
      }
    }

    /** One thing after the other: a link needs the one before. */
    #inTurn<T>(work: () => Promise<T>): Promise<T> {
      const mine = this.#turn.then(work);
      this.#turn = mine.catch(() => undefined);
      return mine;
    }

    /** Where the chain ends. An object without memory, in a new place for example, takes up what the table holds. */
    async #head(): Promise<AuditHead> {
      const kept = this.ctx.storage.kv.get<AuditHead>(HEAD);
      if (kept) return kept;
      const { seq, hash } = (await this.#ports.archive.last()) ?? GENESIS;
      return { seq, hash };
    }

    async #chainKey(): Promise<ChainKey> {
      return (this.#key ??= await chainKey(await this.#ports.secret()));
    }

    async #append(events: AuditEvent[]): Promise<void> {
      let head = await this.#head();
      const key = await this.#chainKey();
      const chained: ChainedEvent[] = [];
      for (const event of events) {
        const next = await chain(key, head, event);
        head = { seq: next.seq, hash: next.hash };
        chained.push(next);
      }
      const { storage } = this.ctx;
      storage.transactionSync(() => {
        for (const event of chained) storage.kv.put(keyOf(event.seq), event);
        storage.kv.put(HEAD, head);
      });
      if (this.#isFlushDue) return;
      this.#isFlushDue = true;
      await storage.setAlarm(Date.now() + FLUSH_AFTER_MS);
    }

    async #flush(): Promise<void> {
      const { storage } = this.ctx;
      for (;;) {
        const waiting = [...storage.kv.list<ChainedEvent>({ prefix: PREFIX, limit: BATCH })];
        if (waiting.length === 0) return;
        await this.#ports.archive.save(waiting.map(([, event]) => event));
        for (const [key] of waiting) storage.kv.delete(key);
      }
    }
  };

import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import { type FeedEvent, type Frame, framesOf } from "./feed-frames.ts";

const BROADCAST_EVERY_MS = 10;
// Whoever lost the right to watch sees no more than this of it.
const CHECK_EVERY_MS = 5_000;

/**
 * The sockets that watch a run, each tagged with its watcher. What is appended goes out to them in frames, gathered for a
 * moment.
 */
export class FeedWatchers {
  readonly #sockets: (watcher?: Watcher) => WebSocket[];
  readonly #tagOf: (socket: WebSocket) => Watcher;
  #outbox: FeedEvent[] = [];
  #checkedAt = 0;
  #hasNews = false;

  constructor(sockets: (watcher?: Watcher) => WebSocket[], tagOf: (socket: WebSocket) => Watcher) {
    [this.#sockets, this.#tagOf] = [sockets, tagOf];
  }

  /** When to ask again whether all of them may still watch: soon while there is anything to see. */
  checkDue(): number {
    return this.#hasNews ? this.#checkedAt + CHECK_EVERY_MS : Infinity;
  }

  /** Ends the watching of those who no longer may; `stillMay` picks the others. */
  async check(stillMay: (watchers: Watcher[]) => Promise<Watcher[]>, now: number): Promise<void> {
    this.#checkedAt = now;
    this.#hasNews = false;
    const watchers = [...new Set(this.#sockets().map(this.#tagOf))];
    if (watchers.length === 0) return;
    const good = new Set(await stillMay(watchers));
    for (const watcher of watchers.filter((one) => !good.has(one)))
      for (const socket of this.#sockets(watcher)) socket.close(1008, "signed out");
  }

  isEmpty(): boolean {
    return this.#sockets().length === 0;
  }

  add(events: FeedEvent[]): void {
    if (this.isEmpty()) return;
    this.#hasNews = true;
    if (this.#outbox.length === 0) setTimeout(() => this.flush(), BROADCAST_EVERY_MS);
    this.#outbox.push(...events);
  }

  /** Sends what has gathered to everybody but `except`. */
  flush(except?: WebSocket): void {
    const events = this.#outbox;
    this.#outbox = [];
    const watchers = this.#sockets().filter((socket) => socket !== except);
    if (events.length > 0) this.send(framesOf(events), watchers);
  }

  send(frames: Iterable<Frame>, sockets = this.#sockets()): void {
    for (const frame of frames) {
      const text = JSON.stringify(frame);
      for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.send(text);
    }
  }

  /** Says how the run ended and closes. */
  finish(last: Frame, sockets = this.#sockets()): void {
    this.send([last], sockets);
    for (const socket of sockets) socket.close(1000, "run finished");
  }

  /** The run was deleted. */
  dismiss(): void {
    this.#outbox = [];
    for (const socket of this.#sockets()) socket.close(1001, "run deleted");
  }
}

import { type FeedEvent, type Frame, framesOf } from "./feed-frames.ts";

const BROADCAST_EVERY_MS = 10;

/** The sockets that watch a run. What is appended goes out to them in frames, gathered for a moment. */
export class FeedWatchers {
  readonly #sockets: () => WebSocket[];
  #outbox: FeedEvent[] = [];

  constructor(sockets: () => WebSocket[]) {
    this.#sockets = sockets;
  }

  isEmpty(): boolean {
    return this.#sockets().length === 0;
  }

  add(events: FeedEvent[]): void {
    if (this.isEmpty()) return;
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

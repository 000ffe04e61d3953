import type { Watcher } from "../../kernel/ports/run-feeds.ts";
import type { Frame } from "./room-store.ts";

/** The sockets that watch a notebook, each tagged with its watcher. */
export class RoomWatchers {
  readonly #sockets: (watcher?: Watcher) => WebSocket[];
  readonly #tagOf: (socket: WebSocket) => Watcher;

  constructor(sockets: (watcher?: Watcher) => WebSocket[], tagOf: (socket: WebSocket) => Watcher) {
    [this.#sockets, this.#tagOf] = [sockets, tagOf];
  }

  isEmpty(): boolean {
    return this.#sockets().length === 0;
  }

  send(frame: Frame, sockets = this.#sockets()): void {
    if (sockets.length === 0) return;
    const text = JSON.stringify(frame);
    for (const socket of sockets) if (socket.readyState === WebSocket.OPEN) socket.send(text);
  }

  /** Ends the watching of those who no longer may; `stillMay` picks the others. */
  async check(stillMay: (watchers: Watcher[]) => Promise<Watcher[]>): Promise<void> {
    const watchers = [...new Set(this.#sockets().map(this.#tagOf))];
    if (watchers.length === 0) return;
    const good = new Set(await stillMay(watchers));
    for (const watcher of watchers.filter((one) => !good.has(one)))
      for (const socket of this.#sockets(watcher)) socket.close(1008, "signed out");
  }

  dismiss(): void {
    for (const socket of this.#sockets()) socket.close(1001, "notebook deleted");
  }
}

import { once } from "node:events";
import WebSocket from "ws";

export interface Frame {
  type: string;
  seq: number;
  data: any;
}

/** A watcher of a run's stream that remembers every frame. */
export class Watcher {
  readonly frames: Frame[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | undefined;
  #wake: (() => void)[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => {
      this.frames.push(JSON.parse(String(data)) as Frame);
      this.#notify();
    });
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.#notify();
    });
  }

  /** Opens the stream; rejects with the HTTP status when the handshake is refused. */
  static async open(
    url: string,
    path: string,
    options: { token?: string; origin?: string; headers?: Record<string, string> } = {},
  ): Promise<Watcher> {
    const protocols = options.token === undefined ? [] : ["myelin.stream", `bearer.${options.token}`];
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}${path}`, protocols, {
      ...(options.origin && { origin: options.origin }),
      ...(options.headers && { headers: options.headers }),
      // workerd sends its Close frame at once but ends the connection of a hibernating socket only some 10 s later.
      ...{ closeTimeout: 200 },
    });
    const watcher = new Watcher(socket);
    const refused = new Promise<never>((_, reject) => {
      socket.once("unexpected-response", (_request, response) => {
        response.resume();
        reject(new Error(`refused ${response.statusCode}`));
      });
      socket.once("error", reject);
    });
    await Promise.race([once(socket, "open"), refused]);
    return watcher;
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Resolves with the frames once `done` holds for them. */
  async until(done: (watcher: Watcher) => boolean, withinMs = 10_000): Promise<Frame[]> {
    const deadline = Date.now() + withinMs;
    while (!done(this)) {
      if (Date.now() > deadline)
        throw new Error(`not within ${withinMs} ms; got ${JSON.stringify(this.frames).slice(0, 1000)}`);
      await new Promise<void>((resolve) => {
        this.#wake.push(resolve);
        setTimeout(resolve, Math.max(1, deadline - Date.now()));
      });
    }
    return this.frames;
  }

  /** All points seen so far, in the order they came. */
  get points(): any[] {
    return this.frames.filter((frame) => frame.type === "metrics").flatMap((frame) => frame.data.points);
  }

  close(): void {
    this.socket.terminate();
  }
}

import { randomUUID } from "node:crypto";
import { type EventEmitter, once } from "node:events";
import { inject } from "vitest";
import WebSocket from "ws";
import { type FromAgent, LINK_PROTOCOL, type ToAgent } from "../../src/kernel/agent-protocol.ts";

const HOST = {
  ...{ hostname: "test", platform: "linux", arch: "x64", cpus: 2, memory_bytes: 1000 },
  gpus: [],
};

/** The far end of an agent's link, which says what the test wants it to say. */
export class FakeAgent {
  readonly instance: string;
  readonly heard: ToAgent[] = [];
  readonly socket: WebSocket;
  closed: { code: number; reason: string } | undefined;
  #wake: (() => void)[] = [];

  private constructor(socket: WebSocket, instance: string) {
    this.socket = socket;
    this.instance = instance;
    socket.on("message", (data) => {
      this.heard.push(JSON.parse(String(data)) as ToAgent);
      this.#notify();
    });
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.#notify();
    });
  }

  /** Opens the connection and says nothing yet; rejects with the status when it is refused. */
  static async dial(token: string, instance: string = randomUUID()): Promise<FakeAgent> {
    const socket = new WebSocket(`${inject("url").replace(/^http/, "ws")}/api/agent-link`, LINK_PROTOCOL, {
      headers: { "x-ic-token": token },
      ...{ closeTimeout: 200 },
    });
    const agent = new FakeAgent(socket, instance);
    const refused = new Promise<never>((_, reject) => {
      socket.once("unexpected-response", (_request, response) => {
        response.resume();
        reject(new Error(`refused ${response.statusCode}`));
      });
      socket.once("error", reject);
    });
    await Promise.race([once(socket, "open"), refused]);
    return agent;
  }

  /** Dials in and introduces itself. */
  static async connect(token: string, instance?: string): Promise<FakeAgent> {
    const agent = await FakeAgent.dial(token, instance);
    agent.say(agent.hello());
    await agent.hear("welcome");
    return agent;
  }

  hello(fields: Partial<Extract<FromAgent, { type: "hello" }>> = {}): FromAgent {
    const now = new Date().toISOString();
    const about = { version: "1.2.3", capabilities: ["train"], labels: ["gpu"], host: HOST };
    return { type: "hello", instance: this.instance, now, ...about, ...fields };
  }

  say(message: FromAgent): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The first message of that type not heard before. */
  async hear<T extends ToAgent["type"]>(type: T, withinMs = 10_000): Promise<Extract<ToAgent, { type: T }>> {
    const find = () => this.heard.findIndex((message) => message.type === type);
    await this.#until(() => find() >= 0, `${type} did not come`, withinMs);
    return this.heard.splice(find(), 1)[0] as Extract<ToAgent, { type: T }>;
  }

  /** The code the connection is closed with. */
  async end(withinMs = 10_000): Promise<number> {
    await this.#until(() => this.closed !== undefined, "the connection stays open", withinMs);
    return this.closed!.code;
  }

  /** From now on it takes no notice of being closed. */
  ignoreClose(): void {
    (this.socket as unknown as { _receiver: EventEmitter })._receiver.removeAllListeners("conclude");
  }

  hangUp(): void {
    this.socket.terminate();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  async #until(done: () => boolean, complaint: string, withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!done()) {
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`${complaint}: ${JSON.stringify({ heard: this.heard, closed: this.closed })}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}

import { once } from "node:events";
import { inject } from "vitest";
import WebSocket from "ws";

/** Somebody in front of a terminal. */
export class TerminalPage {
  readonly socket: WebSocket;
  /** All the shell said. */
  text = "";
  /** What came in JSON. */
  readonly said: any[] = [];
  bytes = 0;
  closed: { code: number; reason: string } | undefined;
  #wake: (() => void)[] = [];

  private constructor(socket: WebSocket, isFramed: boolean) {
    this.socket = socket;
    const decoder = new TextDecoder();
    socket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) {
        this.bytes += data.length;
        this.text += decoder.decode(data, { stream: true });
      } else if (isFramed) this.said.push(JSON.parse(String(data)));
      else this.text += String(data);
      this.#notify();
    });
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.#notify();
    });
  }

  static async open(
    ticket: string,
    {
      isFramed = false,
      origin,
      at = inject("url"),
    }: { isFramed?: boolean; origin?: string; at?: string } = {},
  ): Promise<TerminalPage> {
    const url = `${at.replace(/^http/, "ws")}/api/terminal?ticket=${encodeURIComponent(ticket)}`;
    const socket = new WebSocket(url, isFramed ? ["myelin.terminal"] : [], {
      ...(origin && { origin }),
      ...{ closeTimeout: 200 },
    });
    const page = new TerminalPage(socket, isFramed);
    const refused = new Promise<never>((_, reject) => {
      socket.once("unexpected-response", (_request, response) => {
        response.resume();
        reject(new Error(`refused ${response.statusCode}`));
      });
      socket.once("error", reject);
    });
    await Promise.race([once(socket, "open"), refused]);
    return page;
  }

  type(text: string): void {
    this.socket.send(text.startsWith("{") ? Buffer.from(text) : text);
  }

  press(text: string): void {
    this.socket.send(Buffer.from(text));
  }

  /** Waits until the shell has said something that matches; returns the match. */
  async shows(pattern: RegExp, withinMs = 15_000): Promise<RegExpExecArray> {
    await this.until(() => pattern.test(this.text), `${pattern} did not come`, withinMs);
    return pattern.exec(this.text)!;
  }

  async ends(withinMs = 15_000): Promise<{ code: number; reason: string }> {
    await this.until(() => this.closed !== undefined, "it stays open", withinMs);
    return this.closed!;
  }

  async until(done: () => boolean, complaint: string, withinMs = 15_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!done()) {
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`${complaint}: ${JSON.stringify([this.text.slice(-500), this.said, this.closed])}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

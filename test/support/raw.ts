import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { inject } from "vitest";
import type { Answer } from "./client.ts";

/** A request written by hand onto a socket: for what no client library would send, or would not stop sending. */
export class RawRequest {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => (this.#received = Buffer.concat([this.#received, chunk])));
    // A server that has said no may hang up while we are still writing.
    socket.on("error", () => undefined);
    socket.on("close", () => (this.#ended = true));
  }

  /** Connects and sends a request's head; a body follows by `write`. */
  static async open(method: string, path: string, headers: Record<string, string>): Promise<RawRequest> {
    const { hostname, port, host } = new URL(inject("url"));
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    const request = new RawRequest(socket);
    const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    await request.write(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
    return request;
  }

  /** Sends `data`; what a server that has hung up does not take is dropped. */
  async write(data: string | Uint8Array): Promise<void> {
    if (this.#ended) return;
    await new Promise((resolve) => this.#socket.write(data, resolve));
  }

  /** Writes `data` as one chunk of `transfer-encoding: chunked`. */
  async writeChunk(data: Uint8Array): Promise<void> {
    await this.write(`${data.length.toString(16)}\r\n`);
    await this.write(data);
    await this.write("\r\n");
  }

  /** Cuts the connection as a crash or a lost network would. */
  abort(): void {
    this.#socket.resetAndDestroy();
  }

  /** Says that nothing more will be sent. */
  end(): void {
    this.#socket.end();
  }

  get answered(): boolean {
    return this.#received.includes("\r\n\r\n");
  }

  /** The answer, once it is whole. */
  async answer(): Promise<Answer> {
    for (let answer = this.#parse(); ; answer = this.#parse()) {
      if (answer) {
        this.#socket.destroy();
        return answer;
      }
      if (this.#ended) throw new Error(`the connection ended after ${String(this.#received)}`);
      await Promise.race([once(this.#socket, "data"), once(this.#socket, "close")]);
    }
  }

  #parse(): Answer | undefined {
    const end = this.#received.indexOf("\r\n\r\n");
    if (end === -1) return undefined;
    const [statusLine, ...lines] = this.#received.subarray(0, end).toString("latin1").split("\r\n");
    const headers = new Headers(lines.map((line) => line.split(/:\s*(.*)/s).slice(0, 2) as [string, string]));
    const body = this.#received.subarray(end + 4);
    const status = Number(statusLine!.split(" ")[1]);
    if (headers.get("transfer-encoding") === "chunked") {
      if (!body.includes("0\r\n\r\n")) return undefined;
      return { status, headers, body: parsed(unchunked(body)) };
    }
    const length = Number(headers.get("content-length") ?? 0);
    return body.length < length ? undefined : { status, headers, body: parsed(body.subarray(0, length)) };
  }
}

function unchunked(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

function parsed(bytes: Buffer): unknown {
  const text = bytes.toString();
  return /^[[{]/.test(text) ? JSON.parse(text) : text;
}

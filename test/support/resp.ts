import { connect, type Socket } from "node:net";

export type Reply = string | number | null | RedisError | Reply[];

/** What Redis refused a command with. */
export class RedisError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** A connection to Redis that sends commands one after the other (RESP2, https://redis.io/docs/reference/protocol-spec). */
export class RedisConnection {
  readonly #socket: Socket;
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  #received = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data) => this.#receive(data));
    socket.on("close", () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("Redis is gone"));
    });
  }

  static open(path: string): Promise<RedisConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => {
        socket.off("error", reject).on("error", () => {});
        resolve(new RedisConnection(socket));
      });
      socket.once("error", reject);
    });
  }

  send(command: unknown[]): Promise<Reply> {
    if (this.#socket.destroyed) return Promise.reject(new Error("Redis is gone"));
    const words = command.map(String).map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#socket.write(`*${words.length}\r\n${words.join("")}`);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data]);
    for (let parsed = parse(this.#received, 0); parsed; parsed = parse(this.#received, 0)) {
      this.#received = this.#received.subarray(parsed.end);
      this.#waiting.shift()?.resolve(parsed.reply);
    }
  }
}

type Parsed = { reply: Reply; end: number } | undefined;

function parse(bytes: Buffer, at: number): Parsed {
  const lineEnd = bytes.indexOf("\r\n", at);
  if (lineEnd === -1) return undefined;
  const kind = String.fromCharCode(bytes[at]!);
  const line = bytes.toString("utf8", at + 1, lineEnd);
  const end = lineEnd + 2;
  if (kind === "+") return { reply: line, end };
  if (kind === "-") return { reply: new RedisError(line), end };
  if (kind === ":") return { reply: Number(line), end };
  if (line === "-1") return { reply: null, end };
  return kind === "$" ? parseText(bytes, end, Number(line)) : parseList(bytes, end, Number(line));
}

function parseText(bytes: Buffer, at: number, length: number): Parsed {
  if (bytes.length < at + length + 2) return undefined;
  return { reply: bytes.toString("utf8", at, at + length), end: at + length + 2 };
}

function parseList(bytes: Buffer, at: number, length: number): Parsed {
  const reply: Reply[] = [];
  let end = at;
  for (let i = 0; i < length; i++) {
    const item = parse(bytes, end);
    if (!item) return undefined;
    reply.push(item.reply);
    end = item.end;
  }
  return { reply, end };
}

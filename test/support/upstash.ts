import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { Program, isInstalled } from "./programs.ts";
import { RedisConnection, RedisError, type Reply } from "./resp.ts";

export const hasRedis = isInstalled("redis-server");

/** A real Redis behind Upstash's REST protocol (https://upstash.com/docs/redis/features/restapi). */
export interface Upstash {
  url: string;
  token: string;
  /** A command straight to Redis. */
  command(...words: unknown[]): Promise<Reply>;
  /** Takes Redis away, for good; the REST server stays and can only report errors. */
  killRedis(): Promise<void>;
  stop(): Promise<void>;
}

export async function startUpstash(): Promise<Upstash> {
  const folder = mkdtempSync(join(tmpdir(), "myelin-redis-"));
  const socket = join(folder, "redis.sock");
  const flags = { port: "0", unixsocket: socket, save: "", appendonly: "no", dir: folder };
  const redis = new Program(
    "redis-server",
    Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
  );
  await redis.serves(async () => (await RedisConnection.open(socket)).close());
  const connection = await RedisConnection.open(socket);
  const token = randomUUID();
  const server = createServer((request, response) => {
    void answer(request, new Bridge(connection), token).then(({ status, body }) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    command: (...words) => connection.send(words),
    killRedis: () => redis.stop("SIGKILL"),
    async stop() {
      await closed(server);
      connection.close();
      await redis.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function closed(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}

type Outcome = { result: unknown } | { error: string };
interface Answer {
  status: number;
  body: Outcome | Outcome[];
}

async function answer(request: IncomingMessage, bridge: Bridge, token: string): Promise<Answer> {
  if (request.headers.authorization !== `Bearer ${token}`)
    return { status: 401, body: { error: "Unauthorized" } };
  const encode = request.headers["upstash-encoding"] === "base64" ? toBase64 : (reply: Reply) => reply;
  const outcomeOf = (reply: Reply): Outcome =>
    reply instanceof RedisError ? { error: reply.message } : { result: encode(reply) };
  try {
    const body = (await json(request)) as unknown[];
    if (request.url === "/pipeline" || request.url === "/multi-exec") {
      const commands = body as unknown[][];
      const replies = await (request.url === "/pipeline"
        ? bridge.pipeline(commands)
        : bridge.atomically(commands));
      return { status: 200, body: replies.map(outcomeOf) };
    }
    const outcome = outcomeOf(await bridge.send(body));
    return { status: "error" in outcome ? 400 : 200, body: outcome };
  } catch (error) {
    return { status: 500, body: { error: String(error) } };
  }
}

/** Every text but `OK`, as Upstash does it. */
function toBase64(reply: Reply): unknown {
  if (Array.isArray(reply)) return reply.map(toBase64);
  return typeof reply === "string" && reply !== "OK" ? Buffer.from(reply).toString("base64") : reply;
}

const sha1 = (text: string) => createHash("sha1").update(text).digest("hex");

/** Scripts begin with a flag only Upstash knows; Redis gets them without, and so under another hash. */
const withoutShebang = (script: string) => script.replace(/^#!.*\n/, "");
const plainHashes = new Map<string, string>();

class Bridge {
  readonly #redis: RedisConnection;

  constructor(redis: RedisConnection) {
    this.#redis = redis;
  }

  send([name, script, ...rest]: unknown[]): Promise<Reply> {
    const verb = String(name).toUpperCase();
    if (verb === "EVAL") {
      const plain = withoutShebang(String(script));
      plainHashes.set(sha1(String(script)), sha1(plain));
      return this.#redis.send(["EVAL", plain, ...rest]);
    }
    if (verb === "EVALSHA")
      return this.#redis.send(["EVALSHA", plainHashes.get(String(script)) ?? script, ...rest]);
    return this.#redis.send([name, ...(script === undefined ? [] : [script]), ...rest]);
  }

  pipeline(commands: unknown[][]): Promise<Reply[]> {
    return Promise.all(commands.map((command) => this.send(command)));
  }

  /** All or nothing. Commands go out at once, so none of another request can come between them. */
  async atomically(commands: unknown[][]): Promise<Reply[]> {
    const sent = [["MULTI"], ...commands, ["EXEC"]].map((command) => this.send(command));
    const executed = (await Promise.all(sent)).at(-1)!;
    return Array.isArray(executed) ? executed : commands.map(() => executed);
  }
}

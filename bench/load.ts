import { Agent, type IncomingHttpHeaders, request } from "node:http";

export interface Call {
  method: string;
  path: string;
  /** Serialised beforehand, so that the client does as little as it can while the clock runs. */
  body?: Buffer;
  /** The body's content type, if not JSON. */
  type?: string;
  /** The one status that is no error; any 2xx unless said. */
  status?: number;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A POST of `value` as JSON. */
export const post = (path: string, value: unknown): Call => ({
  method: "POST",
  path,
  body: Buffer.from(JSON.stringify(value)),
});

/** Talks HTTP to one server over connections that stay open. Anything unexpected is an error. */
export class Client {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #server: { hostname: string; port: string };
  readonly #headers: Record<string, string>;

  constructor(url: string, headers: Record<string, string> = {}) {
    const { hostname, port } = new URL(url);
    this.#server = { hostname, port };
    this.#headers = headers;
  }

  send({ method, path, body, type = "application/json", status }: Call): Promise<Answer> {
    const headers = {
      ...this.#headers,
      ...(body && { "content-type": type, "content-length": body.length }),
    };
    return new Promise((resolve, reject) => {
      const sent = request({ ...this.#server, agent: this.#agent, method, path, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const answer = {
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(chunks),
          };
          const isFine =
            status === undefined ? Math.floor(answer.status / 100) === 2 : answer.status === status;
          if (isFine) resolve(answer);
          else reject(new Error(`${method} ${path}: ${answer.status} ${answer.body.subarray(0, 500)}`));
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  /** The answer's JSON. */
  async ask<T>(call: Call): Promise<T> {
    return JSON.parse((await this.send(call)).body.toString()) as T;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** What a load came to; latencies in milliseconds, ascending. */
export interface Load {
  latencies: Float64Array;
  seconds: number;
  perSecond: number;
}

type Until = { seconds: number } | { calls: number };

/** `clients` callers, each making its next call as soon as its last one is answered. */
export async function closedLoop(
  clients: number,
  until: Until,
  call: (i: number) => Promise<unknown>,
): Promise<Load> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endsAt = "seconds" in until ? startedAt + until.seconds * 1000 : Infinity;
  const calls = "calls" in until ? until.calls : Infinity;
  let made = 0;
  const caller = async () => {
    for (let now = performance.now(); now < endsAt && made < calls;) {
      await call(made++);
      const then = now;
      now = performance.now();
      latencies.push(now - then);
    }
  };
  await Promise.all(Array.from({ length: clients }, caller));
  const seconds = (performance.now() - startedAt) / 1000;
  return { latencies: Float64Array.from(latencies).sort(), seconds, perSecond: latencies.length / seconds };
}

/** Rounds of two kinds in turn, so that whatever else the machine does hits both alike. */
export async function inTurns(
  rounds: number,
  one: () => Promise<Load>,
  other: () => Promise<Load>,
): Promise<[Load, Load][]> {
  const pairs: [Load, Load][] = [];
  for (let i = 0; i < rounds; i++) {
    // Whoever goes first does so every other time only.
    if (i % 2) pairs.push([await one(), await other()]);
    else {
      const second = await other();
      pairs.push([await one(), second]);
    }
  }
  return pairs;
}

/** The value below which the given share of ascending values lies. */
export const percentile = (ascending: ArrayLike<number>, share: number): number =>
  ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)]!;

export const median = (values: number[]): number =>
  percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

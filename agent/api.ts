import { setTimeout as sleep } from "node:timers/promises";

/** What the server answers when the run is not this agent's (any more), or has ended. */
const LOST = new Set(["LEASE_LOST", "RUN_FINISHED", "RUN_NOT_FOUND"]);

/** A refusal the server means: asking again with the same words would not help. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "Refused";
    this.status = status;
    this.code = code;
  }

  get meansLost(): boolean {
    return LOST.has(this.code);
  }
}

export interface Request {
  method: "GET" | "POST" | "PUT";
  path: string;
  json?: unknown;
  body?: Uint8Array | Blob;
  headers?: Record<string, string>;
}

const TRY_MS = 60_000;
const BACK_OFF_MS = { first: 200, longest: 5_000 };

/** The server as this agent sees it. Calls are repeated until they are answered or refused; all of them may be. */
export class Api {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** One attempt; throws `Refused` for a 4xx and an ordinary error for all that may pass. */
  async once({ method, path, json, body, headers }: Request, signal?: AbortSignal): Promise<Response> {
    const timeout = AbortSignal.timeout(TRY_MS);
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: {
        "x-ic-token": this.#token,
        ...(json !== undefined && { "content-type": "application/json" }),
        ...(body && { "content-type": "application/octet-stream" }),
        ...headers,
      },
      body: json === undefined ? (body as BodyInit | undefined) : JSON.stringify(json),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (response.ok) return response;
    const text = await response.text();
    const { code, error } = parseError(text);
    if (response.status < 500 && response.status !== 429) throw new Refused(response.status, code, error);
    throw new Error(`${method} ${path}: ${response.status} ${error}`);
  }

  /** Attempts with growing pauses until there is an answer, a refusal, or `signal` says stop. */
  async call(request: Request, signal: AbortSignal): Promise<Response> {
    for (let pause = BACK_OFF_MS.first; ; pause = Math.min(pause * 2, BACK_OFF_MS.longest)) {
      try {
        return await this.once(request, signal);
      } catch (error) {
        if (error instanceof Refused || signal.aborted) throw error;
        await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal });
      }
    }
  }
}

function parseError(text: string): { code: string; error: string } {
  try {
    const { code, error } = JSON.parse(text) as { code?: unknown; error?: unknown };
    if (typeof code === "string" && typeof error === "string") return { code, error };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { code: "UNKNOWN", error: text.slice(0, 200) };
}

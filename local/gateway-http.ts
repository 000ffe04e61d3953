import type { IncomingMessage, ServerResponse } from "node:http";
import { DatabaseError, Pool } from "pg";
import { runBatch, runSingle } from "./gateway-query.ts";
import type { IsolationLevel, OutputMode, Query, Transaction } from "./gateway-query.ts";
import { admit } from "./gateway-target.ts";
import type { Target } from "./gateway-target.ts";

/** Neon's own limit for one request. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** What the driver copies from an error body onto its exception; the message goes with them. */
const ERROR_FIELDS = [
  "severity",
  "code",
  "detail",
  "hint",
  "position",
  "internalPosition",
  "internalQuery",
  "where",
  "schema",
  "table",
  "column",
  "dataType",
  "constraint",
  "file",
  "line",
  "routine",
] as const;

/** The driver's names for isolation levels. */
const ISOLATION = new Map<string, IsolationLevel>([
  ["ReadUncommitted", "READ UNCOMMITTED"],
  ["ReadCommitted", "READ COMMITTED"],
  ["RepeatableRead", "REPEATABLE READ"],
  ["Serializable", "SERIALIZABLE"],
]);

class BadRequest extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** `POST /sql`: one statement, or several in one transaction. */
export function createHttpHandler(target: Target, log: (line: string) => void) {
  const pools = new Map<string, Pool>();
  function poolOf(database: string): Pool {
    const known = pools.get(database);
    if (known) return known;
    const pool = new Pool({ ...target.connection(database), max: 10, connectionTimeoutMillis: 30_000 });
    // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
    pool.on("error", (error) => log(`gateway: idle connection lost: ${error.message}`));
    pools.set(database, pool);
    return pool;
  }
  return {
    async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
      const { status, body } = await answer(request, target, poolOf).catch((error) => failure(error, log));
      response.writeHead(status, { "content-type": "application/json" }).end(body);
    },
    close: async () => void (await Promise.all([...pools.values()].map((pool) => pool.end()))),
  };
}

async function answer(request: IncomingMessage, target: Target, poolOf: (database: string) => Pool) {
  if (request.method !== "POST" || request.url !== "/sql")
    throw new BadRequest(404, "The gateway answers POST /sql.");
  const database = admit(target, String(request.headers["neon-connection-string"] ?? ""));
  if (database === undefined) throw new BadRequest(401, "The connection string does not open this database.");
  const input = parseBody(await readBody(request));
  const mode = outputMode(request);
  const pool = poolOf(database);
  const output = Array.isArray(input)
    ? { results: await runBatch(pool, input, transaction(request), mode) }
    : await runSingle(pool, input, mode);
  return { status: 200, body: JSON.stringify(output) };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new BadRequest(413, "The request is larger than 64 MiB.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseBody(text: string): Query | Query[] {
  const body = parseJson(text) as { query?: unknown; params?: unknown; queries?: unknown } | null;
  if (Array.isArray(body?.queries)) return body.queries.map(toQuery);
  return toQuery(body);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadRequest(400, `The body is not JSON: ${(error as Error).message}`);
  }
}

function toQuery(value: unknown): Query {
  const { query, params = [] } = (value ?? {}) as { query?: unknown; params?: unknown };
  if (typeof query !== "string" || !Array.isArray(params)) {
    throw new BadRequest(400, "A query is {query: string, params: array}.");
  }
  return { query, params };
}

function outputMode({ headers }: IncomingMessage): OutputMode {
  return {
    rawText: headers["neon-raw-text-output"] === "true",
    arrays: headers["neon-array-mode"] === "true",
  };
}

function transaction({ headers }: IncomingMessage): Transaction {
  const level = headers["neon-batch-isolation-level"]?.toString();
  const isolation = ISOLATION.get(level ?? "");
  if (level !== undefined && !isolation) throw new BadRequest(400, `There is no isolation level ${level}.`);
  return {
    isolation,
    readOnly: headers["neon-batch-read-only"] === "true",
    deferrable: headers["neon-batch-deferrable"] === "true",
  };
}

function failure(error: unknown, log: (line: string) => void) {
  if (error instanceof DatabaseError) {
    const fields = Object.fromEntries(ERROR_FIELDS.map((name) => [name, error[name]]));
    return { status: 400, body: JSON.stringify({ message: error.message, ...fields }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof BadRequest) return { status: error.status, body: JSON.stringify({ message }) };
  log(`gateway: ${message}`);
  return { status: 503, body: JSON.stringify({ message }) };
}

import type { Pool, PoolClient, QueryArrayResult, QueryResult } from "pg";

export interface Query {
  query: string;
  params: unknown[];
}

/** How rows are written: values as Postgres's own text, rows as arrays. The driver asks for both. */
export interface OutputMode {
  rawText: boolean;
  arrays: boolean;
}

export type IsolationLevel = "READ UNCOMMITTED" | "READ COMMITTED" | "REPEATABLE READ" | "SERIALIZABLE";

export interface Transaction {
  isolation: IsolationLevel | undefined;
  readOnly: boolean;
  deferrable: boolean;
}

/** Statements whose effect outlives them in the session, which the next request on the connection must not see. */
const LEAVES_STATE = new Set(["SET", "RESET", "LISTEN", "PREPARE", "DECLARE", "LOAD", "CREATE"]);

const RAW_TYPES = { getTypeParser: () => (value: string) => value };

export async function runSingle(pool: Pool, query: Query, mode: OutputMode) {
  return await borrow(pool, async (run) => await run(query, mode));
}

/** All statements or none: the first failure rolls back and is thrown. */
export async function runBatch(pool: Pool, queries: Query[], transaction: Transaction, mode: OutputMode) {
  return await borrow(pool, async (run) => {
    await run({ query: begin(transaction), params: [] }, mode);
    const results = [];
    for (const query of queries) results.push(await run(query, mode));
    await run({ query: "COMMIT", params: [] }, mode);
    return results;
  });
}

function begin({ isolation, readOnly, deferrable }: Transaction): string {
  return [
    "BEGIN",
    isolation && `ISOLATION LEVEL ${isolation}`,
    readOnly && "READ ONLY",
    deferrable && "DEFERRABLE",
  ]
    .filter(Boolean)
    .join(" ");
}

type Run = (query: Query, mode: OutputMode) => Promise<ReturnType<typeof present>>;

/** Lends a connection and takes it back only in the state of a new one; any other is closed. */
async function borrow<T>(pool: Pool, work: (run: Run) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let leftState = false;
  const run: Run = async (query, mode) => {
    const result = await execute(client, query, mode);
    leftState ||= LEAVES_STATE.has(result.command);
    return present(result, mode);
  };
  let usable = false;
  try {
    const output = await work(run);
    usable = true;
    return output;
  } catch (error) {
    usable = await rollBack(client);
    throw error;
  } finally {
    if (usable && leftState) usable = await reset(client);
    client.release(!usable || client.getTransactionStatus() !== "I");
  }
}

async function execute(client: PoolClient, { query, params }: Query, mode: OutputMode): Promise<QueryResult> {
  const config = {
    text: query,
    values: params,
    // As with Neon, one request is one statement; the simple protocol would take several.
    queryMode: "extended",
    ...(mode.rawText ? { types: RAW_TYPES } : {}),
    ...(mode.arrays ? { rowMode: "array" } : {}),
  };
  return await client.query(config as { text: string; values: unknown[] });
}

async function rollBack(client: PoolClient): Promise<boolean> {
  if (client.getTransactionStatus() === "I") return true;
  return await succeeds(client.query("ROLLBACK"));
}

async function reset(client: PoolClient): Promise<boolean> {
  if (client.getTransactionStatus() !== "I") return false;
  return await succeeds(client.query("DISCARD ALL"));
}

/** A connection that cannot even be cleaned is closed by the caller; the error that matters is thrown already. */
async function succeeds(attempt: Promise<unknown>): Promise<boolean> {
  return await attempt.then(
    () => true,
    () => false,
  );
}

function present(result: QueryResult | QueryArrayResult, mode: OutputMode) {
  const { command, rowCount, rows, fields } = result;
  return { command, rowCount, rows, fields, rowAsArray: mode.arrays };
}

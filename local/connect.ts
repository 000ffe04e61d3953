import { Client } from "pg";
import { Refusal } from "./refusal.ts";

// A hosted database that sleeps takes some seconds to wake up.
const PATIENCE_MS = 20_000;

/** Opens a session, or says in a sentence why the database has none for us. */
export async function connect(databaseUrl: string): Promise<Client> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: PATIENCE_MS });
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw new Refusal(`The database at ${new URL(databaseUrl).host} cannot be used: ${reasonOf(error)}`);
  }
}

/** A name with several addresses fails once for each of them. */
function reasonOf(error: unknown): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return first instanceof Error ? first.message : String(first);
}

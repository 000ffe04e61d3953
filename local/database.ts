import { join } from "node:path";
import type { DataLock } from "./data-lock.ts";
import { isNeon } from "./gateway-target.ts";
import { startGateway } from "./gateway.ts";
import { openLog } from "./log-file.ts";
import { dataLayout } from "./paths.ts";
import type { LocalOptions } from "./foundation.ts";
import { type EmbeddedPostgres, startPostgres } from "./postgres.ts";
import { Refusal } from "./refusal.ts";
import type { Teardown } from "./teardown.ts";

export interface Database {
  /** The Postgres itself. */
  url: string;
  /** Of the embedded one only. */
  superuserUrl?: string;
  /** What the Worker is told. */
  vars: Record<string, string>;
}

/**
 * The database to run on: the one given, else the embedded one. Neon's own endpoints are used as they are; every other
 * Postgres gets the gateway that speaks the Worker's driver's protocol.
 */
export async function openDatabase(
  { dataDir, env, onFailure }: LocalOptions,
  lock: DataLock,
  teardown: Teardown,
): Promise<Database> {
  const given = env["DATABASE_URL"];
  if (given) requirePostgresUrl(given);
  if (given && isNeon(given)) return { url: given, vars: { DATABASE_URL: given } };
  const embedded = given ? undefined : await openEmbedded(dataDir, lock, teardown, onFailure);
  const url = given || embedded!.url;
  const file = openLog(join(dataLayout(dataDir).logs, "gateway.log"));
  teardown.add(() => file.close());
  const gateway = await startGateway(url, file.write);
  teardown.add(() => gateway.close());
  const vars = { DATABASE_URL: url, NEON_PROXY: gateway.url };
  return { url, vars, ...(embedded && { superuserUrl: embedded.superuserUrl }) };
}

async function openEmbedded(
  dataDir: string,
  lock: DataLock,
  teardown: Teardown,
  onFailure: LocalOptions["onFailure"],
): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres(dataDir, onFailure);
  lock.note(postgres.pid);
  teardown.add(() => postgres.stop());
  return postgres;
}

export function requirePostgresUrl(text: string): void {
  if (URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol)) return;
  throw new Refusal(
    "DATABASE_URL is not a Postgres URL. It looks like postgres://user:password@host:5432/database",
  );
}

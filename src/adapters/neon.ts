import { neon, neonConfig } from "@neondatabase/serverless";
import { drizzle } from "drizzle-orm/neon-http";
import type { Db } from "../db/client.ts";
import * as schema from "../db/schema.ts";

/** Postgres over HTTP; `proxy` is the local gateway that speaks Neon's protocol, absent with Neon itself. */
export function createDb(databaseUrl: string, proxy?: string): Db {
  if (proxy) neonConfig.fetchEndpoint = `${proxy}/sql`;
  return drizzle(neon(databaseUrl), { schema });
}

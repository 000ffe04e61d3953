import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { connect } from "./connect.ts";
import { keepingAudit } from "./provision-audit.ts";
import { ensureAdmin } from "./provision-admin.ts";
import { type Devops, ensureDevops } from "./provision-devops.ts";
import { ensureLocalAgent } from "./provision-agent.ts";
import { migrateDatabase } from "./provision-migrations.ts";
import { projectDir } from "./paths.ts";

export interface ProvisionOptions {
  databaseUrl: string;
  /** Of the embedded server: the audit trail's table is then nobody's to change but the superuser's. */
  superuserUrl?: string | undefined;
  /** Where the first administrator's password is written. Without it only the migrations run. */
  dataDir?: string;
  adminEmail?: string;
  /** A second administrator. */
  devops?: Devops | undefined;
  /** Also keep the agent named `local` and its token (default true). */
  agent?: boolean;
  migrationsDir?: string;
}

/** Any number that no other program uses on this database. */
const LOCK_ID = 7_396_353_546;

/** Brings a database up to date: migrations, the first administrator, the local agent. Safe to run any number of times. */
export async function provision(options: ProvisionOptions): Promise<void> {
  const { databaseUrl, dataDir, agent = true, migrationsDir = join(projectDir, "drizzle") } = options;
  const client = await connect(databaseUrl);
  try {
    // A lock of the transaction, not of the session: a pooler in front of Neon may share sessions.
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1)", [LOCK_ID]);
    await keepingAudit(options.superuserUrl, () => migrateDatabase(databaseUrl, migrationsDir));
    if (dataDir !== undefined) {
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      const adminId = await ensureAdmin(client, dataDir, options.adminEmail);
      if (options.devops) await ensureDevops(client, options.devops);
      if (agent) await ensureLocalAgent(client, dataDir, adminId);
    }
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}

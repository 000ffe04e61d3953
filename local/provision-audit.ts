import { connect } from "./connect.ts";

const APPLICATION = "myelin";
const KEEPER = "postgres";
// Pruning deletes; the table's own trigger allows that for what is old only.
const GRANTED = "SELECT, INSERT, DELETE";

async function own(superuserUrl: string, owner: string): Promise<void> {
  const client = await connect(superuserUrl);
  try {
    await client.query("BEGIN");
    await client.query(`ALTER TABLE IF EXISTS audit_events OWNER TO ${owner}`);
    const { rowCount } = await client.query("SELECT FROM pg_tables WHERE tablename = 'audit_events'");
    if (rowCount) await client.query(`GRANT ${GRANTED} ON audit_events TO ${APPLICATION}`);
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}

/**
 * Migrates while the audit table is the application role's, and takes it away from it again: who owns a table can switch
 * its triggers off. A start that dies in between leaves that to the next one.
 */
export async function keepingAudit(
  superuserUrl: string | undefined,
  migrate: () => Promise<void>,
): Promise<void> {
  if (superuserUrl === undefined) return migrate();
  await own(superuserUrl, APPLICATION);
  await migrate();
  await own(superuserUrl, KEEPER);
}

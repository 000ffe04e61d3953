import { Client, escapeIdentifier, escapeLiteral } from "pg";

const NAME = "myelin";

/** Makes the application's role and database on first use, and keeps the role's password equal to the kept one. */
export async function ensureDatabase(at: {
  port: number;
  superuserPassword: string;
  password: string;
}): Promise<void> {
  const client = new Client({
    host: "127.0.0.1",
    port: at.port,
    user: "postgres",
    password: at.superuserPassword,
    database: "postgres",
  });
  await client.connect();
  try {
    const role = escapeIdentifier(NAME);
    const roles = await client.query("SELECT FROM pg_roles WHERE rolname = $1", [NAME]);
    if (roles.rowCount === 0) await client.query(`CREATE ROLE ${role}`);
    // CREATEDB: tests copy the migrated database instead of migrating one each.
    await client.query(
      `ALTER ROLE ${role} LOGIN NOSUPERUSER CREATEDB PASSWORD ${escapeLiteral(at.password)}`,
    );
    const databases = await client.query("SELECT FROM pg_database WHERE datname = $1", [NAME]);
    if (databases.rowCount === 0) await client.query(`CREATE DATABASE ${role} OWNER ${role}`);
  } finally {
    await client.end();
  }
}

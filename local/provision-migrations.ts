import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client, DatabaseError } from "pg";
import { Refusal, hasCode } from "./refusal.ts";

/** Applies the migrations that the database has not seen, all of them in one transaction. */
export async function migrateDatabase(databaseUrl: string, migrationsFolder: string): Promise<void> {
  const newest = newestMigration(migrationsFolder);
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    if ((await lastApplied(client)) < newest) await applyMigrations(client, migrationsFolder);
  } finally {
    await client.end();
  }
}

async function applyMigrations(client: Client, migrationsFolder: string): Promise<void> {
  // Loaded when needed: it takes longer than everything else of a start together.
  const [{ drizzle }, { migrate }] = await Promise.all([
    import("drizzle-orm/node-postgres"),
    import("drizzle-orm/node-postgres/migrator"),
  ]);
  await migrate(drizzle({ client }), { migrationsFolder });
}

/** When the newest migration of the folder was made: drizzle's own way to know them apart. */
function newestMigration(folder: string): number {
  try {
    const text = readFileSync(join(folder, "meta", "_journal.json"), "utf8");
    const journal = JSON.parse(text) as { entries: { when: number }[] };
    return Math.max(...journal.entries.map((entry) => entry.when));
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    throw new Refusal(`There are no migrations in ${folder}. Run npm run db:generate.`);
  }
}

/** The same number of the newest one applied, 0 for a new database. Drizzle keeps it in a table of its own. */
async function lastApplied(client: Client): Promise<number> {
  try {
    const { rows } = await client.query<{ last: string | null }>(
      "SELECT max(created_at) AS last FROM drizzle.__drizzle_migrations",
    );
    return Number(rows[0]?.last ?? 0);
  } catch (error) {
    const undefinedTable = "42P01";
    if (error instanceof DatabaseError && error.code === undefinedTable) return 0;
    throw error;
  }
}

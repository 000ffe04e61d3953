import { hash } from "@node-rs/argon2";
import type { Client } from "pg";
import { dataLayout } from "./paths.ts";
import { keepSecret, typeablePassword } from "./secrets-file.ts";

/** OWASP's second Argon2id setting; the Worker makes its hashes with the same one. */
export const ARGON2ID = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * Returns the id of an administrator and makes one if there is none. The password file is written before the row: if we
 * die between the two, the next start finds the file and makes the row from it.
 */
export async function ensureAdmin(
  client: Client,
  dataDir: string,
  email = "admin@myelin.local",
): Promise<string> {
  const known = await client.query<{ id: string }>(
    "SELECT id FROM users WHERE role = 'admin' ORDER BY created_at, id LIMIT 1",
  );
  if (known.rows[0]) return known.rows[0].id;
  const passwordHash = await hash(keepSecret(dataLayout(dataDir).adminPassword, typeablePassword), ARGON2ID);
  // Somebody who has the address without the role is made the administrator, with the password of the file.
  const made = await client.query<{ id: string }>(
    `INSERT INTO users (email, name, role, password_hash, email_verified_at, approved_at)
     VALUES ($1, 'Administrator', 'admin', $2, now(), now())
     ON CONFLICT (email) DO UPDATE SET role = 'admin', password_hash = excluded.password_hash,
       approved_at = now(), updated_at = now()
     RETURNING id`,
    [email.trim().toLowerCase(), passwordHash],
  );
  return made.rows[0]!.id;
}

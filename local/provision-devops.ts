import { hash, verify } from "@node-rs/argon2";
import type { Client } from "pg";
import { commonPasswords, weaknessOf } from "../src/features/accounts/password-policy.ts";
import { ARGON2ID } from "./provision-admin.ts";
import { Refusal } from "./refusal.ts";

export interface Devops {
  email: string;
  password: string;
}

const codePoints = (text: string) => [...text].length;

/** The second administrator the environment asks for: none unless both variables are set. */
export async function devopsOf(env: Record<string, string | undefined>): Promise<Devops | undefined> {
  const [email, password] = [env["DEVOPS_EMAIL"]?.trim().toLowerCase(), env["DEVOPS_PASSWORD"]];
  if (!email && !password) return undefined;
  if (!email || !password) throw new Refusal("Set both DEVOPS_EMAIL and DEVOPS_PASSWORD, or neither.");
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) throw new Refusal("DEVOPS_EMAIL is not an e-mail address.");
  const chosen = password.normalize("NFC");
  const length = codePoints(chosen);
  if (length < 12 || length > 128)
    throw new Refusal(`DEVOPS_PASSWORD has ${length} characters; it must have 12 to 128.`);
  const weakness = weaknessOf(chosen, [email], await commonPasswords());
  if (weakness) throw new Refusal(`DEVOPS_PASSWORD ${weakness}; choose another.`);
  return { email, password: chosen };
}

interface Known {
  id: string;
  password_hash: string | null;
  provisioned: boolean;
}

/** Whatever somebody who had the account before could still get in by. */
const HOLDS = [
  "sessions",
  "api_tokens",
  "totp_secrets",
  "recovery_codes",
  "passkeys",
  "identities",
  "one_time_tokens",
];

/**
 * Keeps the second administrator as configured. A password that changed takes force and ends its sessions. An account
 * somebody else opened with the address before is taken over, and nothing of theirs opens it any more.
 */
export async function ensureDevops(client: Client, { email, password }: Devops): Promise<void> {
  const known = (
    await client.query<Known>("SELECT id, password_hash, provisioned FROM users WHERE email = $1", [email])
  ).rows[0];
  const isSame = known?.provisioned && known.password_hash && (await verify(known.password_hash, password));
  if (isSame) return;
  const passwordHash = await hash(password, ARGON2ID);
  const made = await client.query<{ id: string }>(
    `INSERT INTO users (email, name, role, password_hash, email_verified_at, approved_at, provisioned)
     VALUES ($1, 'DevOps', 'admin', $2, now(), now(), true)
     ON CONFLICT (email) DO UPDATE SET role = 'admin', custom_role = NULL, denied = '[]', password_hash = excluded.password_hash,
       password_changed_at = now(), email_verified_at = now(), approved_at = now(), suspended_at = NULL,
       suspended_reason = NULL, provisioned = true, updated_at = now()
     RETURNING id`,
    [email, passwordHash],
  );
  const holds = known?.provisioned ? ["sessions"] : HOLDS;
  for (const table of holds)
    await client.query(`DELETE FROM ${table} WHERE user_id = $1`, [made.rows[0]!.id]);
}

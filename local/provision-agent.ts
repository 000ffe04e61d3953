import { createHash, randomUUID } from "node:crypto";
import type { Client } from "pg";
import { dataLayout } from "./paths.ts";
import { keepSecret } from "./secrets-file.ts";

/**
 * Keeps the agent `local`, which serves everybody's work on this machine. The token file is the truth: the row follows
 * it, so a crash in between, a restored database or a deleted file all mend at the next start.
 */
export async function ensureLocalAgent(client: Client, dataDir: string, adminId: string): Promise<void> {
  const token = keepSecret(dataLayout(dataDir).agentToken, () => `ic_${randomUUID()}`);
  const tokenHash = createHash("sha256").update(token).digest("hex");
  const known = await client.query("SELECT FROM agents WHERE token_hash = $1", [tokenHash]);
  if (known.rowCount !== 0) return;
  await client.query(
    `INSERT INTO agents (owner_id, name, token_hash, shared) VALUES ($1, 'local', $2, true)
     ON CONFLICT (owner_id, name) DO UPDATE SET token_hash = excluded.token_hash, updated_at = now()`,
    [adminId, tokenHash],
  );
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { secretKey } from "../src/adapters/jwt-keys.ts";
import type { Platform } from "../local/platform.ts";
import { newUser } from "./support/client.ts";
import { startOwnPlatform } from "./support/own-platform.ts";
import { startVault, type Vault } from "./support/vault.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-vault-"));
const SECRET = "kept-in-vault-and-nowhere-else-at-all";
let vault: Vault;
let platform: Platform;
beforeAll(async () => {
  vault = await startVault({ jwt_secret: SECRET });
  const env = {
    LOG_LEVEL: "error",
    VAULT_ADDR: vault.url,
    VAULT_ROLE_ID: vault.roleId,
    VAULT_SECRET_ID: vault.secretId,
  };
  platform = await startOwnPlatform({ dataDir: folder, env });
});
afterAll(async () => {
  await Promise.all([platform?.stop(), vault?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

it("a deployment signs with the secret Vault holds, before the one of its environment", async () => {
  const user = await newUser(platform.url);
  expect(decodeProtectedHeader(user.accessToken).kid).toBe((await secretKey(SECRET)).kid);
  expect((await user.get("/api/auth/me")).status).toBe(200);
});

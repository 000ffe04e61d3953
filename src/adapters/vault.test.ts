import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startVault, type Vault } from "#test/vault";
import { createVault } from "./vault.ts";

let vault: Vault;
const clock = { now: 1_800_000_000_000 };
beforeEach(async () => {
  vault = await startVault({ jwt_secret: "from vault", "resend-api-key": "re_1", count: 3, empty: "" });
});
afterEach(() => vault.stop());

const client = (own: Partial<Parameters<typeof createVault>[0]> = {}) =>
  createVault(
    {
      address: vault.url,
      mount: "secret",
      path: "myelin",
      appRoleMount: "approle",
      roleId: vault.roleId,
      secretId: vault.secretId,
      ...own,
    },
    () => clock.now,
  );

describe("Vault", () => {
  it("is logged in to once, and read by variables' names; only texts count", async () => {
    const source = client();
    expect(await source.read()).toEqual({ JWT_SECRET: "from vault", RESEND_API_KEY: "re_1" });
    await source.read();
    expect(vault.calls.filter((call) => call.includes("login"))).toHaveLength(1);
  });

  it("has its token renewed when two thirds of its life are over", async () => {
    const source = client();
    await source.read();
    clock.now += 2401 * 1000;
    await source.read();
    expect(vault.calls).toContain("POST /v1/auth/token/renew-self");
    expect(vault.calls.filter((call) => call.includes("login"))).toHaveLength(1);
  });

  it("is logged in to again when renewal is refused, the token is over, or cannot be renewed", async () => {
    const source = client();
    await source.read();
    vault.broken = "renewal";
    clock.now += 2401 * 1000;
    await source.read();
    clock.now += 3601 * 1000;
    await source.read();
    expect(vault.calls.filter((call) => call.includes("login"))).toHaveLength(3);
  });

  it("that revoked the token is asked with a new one the next time", async () => {
    const source = client();
    await source.read();
    vault.revokeAll();
    await expect(source.read()).rejects.toThrow("403");
    expect(await source.read()).toHaveProperty("JWT_SECRET");
  });

  it.each(["down", "garbage", "redirect"] as const)(
    "that is %s is an error without any secret in it",
    async (how) => {
      vault.broken = how;
      const error = await client().read().then(String, String);
      expect(error).toMatch(/Error/);
      expect(error).not.toContain(vault.secretId);
    },
  );

  it("refuses a wrong secret id, and is not asked without one", async () => {
    await expect(client({ secretId: "wrong" }).read()).rejects.toThrow("400");
    await expect(client({ roleId: undefined }).read()).rejects.toThrow("AppRole or a token");
  });
});

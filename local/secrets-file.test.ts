import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ownSecrets } from "./own-secrets.ts";
import { keepSecret, readSecret, typeablePassword } from "./secrets-file.ts";
import { temporaryFolder } from "./test-database.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

it("keeps the first secret, privately, and leaves no draft", () => {
  const path = join(folder, "secret.txt");
  expect(keepSecret(path, () => "one")).toBe("one");
  expect(keepSecret(path, () => "two")).toBe("one");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["secret.txt"]);
});

it("yields to a starter who was faster", () => {
  const path = join(folder, "secret.txt");
  const make = () => {
    writeFileSync(path, "theirs");
    return "ours";
  };
  expect(keepSecret(path, make)).toBe("theirs");
});

it("closes a file that others could read, and refuses an empty one", () => {
  const path = join(folder, "secret.txt");
  writeFileSync(path, "open\n", { mode: 0o644 });
  expect(readSecret(path)).toBe("open");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, "\n");
  expect(() => keepSecret(path, () => "new")).toThrow("is empty");
});

it("makes passwords that can be read aloud", () => {
  const all = Array.from({ length: 200 }, () => typeablePassword()).join("");
  expect(all).toMatch(/^[a-km-zA-HJ-NP-Z2-9]+$/);
  expect(all).toHaveLength(200 * 24);
});

it.each(["JWT_SECRET", "AUDIT_SECRET"] as const)("stops at a %s that is too short", (name) => {
  expect(() => ownSecrets({ [name]: "x".repeat(31) }, folder)).toThrow(
    `${name} has 31 characters and needs at least 32`,
  );
  expect(ownSecrets({ [name]: "x".repeat(32) }, folder)[name]).toBe("x".repeat(32));
});

it("makes the secrets nobody configured, once, each its own", () => {
  const made = ownSecrets({}, folder);
  expect(ownSecrets({ JWT_SECRET: "", ENCRYPTION_KEYS: "", AUDIT_SECRET: "" }, folder)).toEqual(made);
  expect(new Set(Object.values(made).map((secret) => secret.slice(-30))).size).toBe(3);
  expect(made.ENCRYPTION_KEYS).toMatch(/^k1:[\w-]{43}$/);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { jwtSecret } from "./jwt-secret.ts";
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

it("stops at a signing key that is too short", () => {
  expect(() => jwtSecret("x".repeat(31), folder)).toThrow(
    "JWT_SECRET has 31 characters and needs at least 32",
  );
  expect(jwtSecret("x".repeat(32), folder)).toBe("x".repeat(32));
  expect(readdirSync(folder)).toEqual([]);
  const made = jwtSecret(undefined, folder);
  expect(made.length).toBeGreaterThanOrEqual(32);
  expect(jwtSecret("", folder)).toBe(made);
});

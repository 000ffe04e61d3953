import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findLeftovers } from "./leftovers.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "myelin-left-"))));
afterEach(() => rmSync(folder, { recursive: true }));

it("finds plain files in all folders, and no link leads out", async () => {
  mkdirSync(join(folder, "a/b"), { recursive: true });
  for (const path of ["z", "a/y", "a/b/x"]) writeFileSync(join(folder, path), path);
  symlinkSync("/etc/passwd", join(folder, "passwd"));
  symlinkSync("/", join(folder, "a/root"));
  writeFileSync(join(folder, "back\\slash"), "");
  const { paths, warnings } = await findLeftovers(folder);
  expect(paths).toEqual(["a/b/x", "a/y", "z"]);
  expect(warnings.sort()).toEqual([
    '"back\\\\slash" cannot be an artifact\'s path',
    "a/root is not a plain file and was left out",
    "passwd is not a plain file and was left out",
  ]);
});

it("takes a bounded number", async () => {
  for (let i = 0; i < 1_010; i++) writeFileSync(join(folder, `f${i}`), "");
  const { paths, warnings } = await findLeftovers(folder);
  expect(paths).toHaveLength(1_000);
  expect(warnings).toEqual(["10 files beyond the first 1000 were left out"]);
});

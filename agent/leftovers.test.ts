import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findLeftovers } from "./leftovers.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "myelin-left-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Root may read anything: what is told of is what happens to everybody else. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  chmodSync(folder, 0o755);
  process.seteuid!(65_534);
  return work().finally(() => process.seteuid!(0));
}

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

it("leaves out what it cannot name or read, tells of it, and finds the rest", async () => {
  for (const path of ["closed", "open"]) mkdirSync(join(folder, path));
  for (const path of ["closed/x", "open/y"]) writeFileSync(join(folder, path), "");
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), "");
  chmodSync(join(folder, "closed"), 0);
  const { paths, warnings } = await asNobody(() => findLeftovers(folder));
  expect(paths).toEqual(["open/y"]);
  expect(warnings.sort()).toEqual([
    '"caf\ufffd" was left out: its name is no UTF-8',
    "closed/ could not be read (EACCES)",
  ]);
});

it("takes a bounded number", async () => {
  for (let i = 0; i < 1_010; i++) writeFileSync(join(folder, `f${i}`), "");
  const { paths, warnings } = await findLeftovers(folder);
  expect(paths).toHaveLength(1_000);
  expect(warnings).toEqual(["10 files beyond the first 1000 were left out"]);
});

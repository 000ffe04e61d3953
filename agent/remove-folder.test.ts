import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it as vitestIt } from "vitest";
import { removeFolder } from "./remove-folder.ts";

const it = vitestIt.skipIf(process.platform === "win32");
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

let folder: string;
// Root may do anything: what is told of here happens to everybody else.
beforeEach(() => {
  if (isRoot) process.seteuid!(NOBODY);
  folder = mkdtempSync(join(tmpdir(), "remove-folder-"));
});
afterEach(() => {
  if (isRoot) process.seteuid!(0);
  rmSync(folder, { recursive: true, force: true });
});

it("removes what its owner has closed, names that are no text included", () => {
  const inner = Buffer.concat([Buffer.from(`${join(folder, "a")}/`), Buffer.from([0xff, 0x62])]);
  mkdirSync(inner, { recursive: true });
  writeFileSync(Buffer.concat([inner, Buffer.from("/x")]), "1");
  chmodSync(inner, 0o555);
  chmodSync(join(folder, "a"), 0);
  expect(removeFolder(folder)).toBeNull();
  expect(existsSync(folder)).toBe(false);
});

it("leaves alone what a link leads to", () => {
  const [target, job] = [join(folder, "target"), join(folder, "job")];
  mkdirSync(target, { mode: 0o555 });
  mkdirSync(job);
  symlinkSync(target, join(job, "link"));
  chmodSync(job, 0o555);
  expect(removeFolder(job)).toBeNull();
  expect(() => writeFileSync(join(target, "x"), "")).toThrow("EACCES");
});

it("tells of what cannot be removed, and goes on", () => {
  const stays = join(folder, "stays");
  mkdirSync(stays);
  writeFileSync(join(stays, "x"), "");
  chmodSync(folder, 0o555);
  expect(removeFolder(stays)).toContain(`${stays} could not be removed: E`);
  chmodSync(folder, 0o755);
});

it("has nothing to do where there is nothing", () => {
  expect(removeFolder(join(folder, "nowhere"))).toBeNull();
});

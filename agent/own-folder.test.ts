import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ownFolder } from "./own-folder.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "own-folder-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("makes a folder nobody else looks into, or through which those pass whom jobs run as", () => {
  const [closed, passable] = [join(folder, "a", "b"), join(folder, "c")];
  ownFolder(closed, false);
  ownFolder(passable, true);
  expect([closed, passable].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o711]);
  ownFolder(closed, false);
});

it("closes a folder that was open, and refuses a link somebody planted", () => {
  const open = join(folder, "open");
  mkdirSync(open);
  chmodSync(open, 0o777);
  ownFolder(open, false);
  expect(statSync(open).mode & 0o777).toBe(0o700);
  const link = join(folder, "link");
  symlinkSync(folder, link);
  expect(() => ownFolder(link, false)).toThrow("--dir");
});

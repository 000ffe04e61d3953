import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Spool } from "./spool.ts";
import { Warnings } from "./warnings.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "myelin-spool-"))));
afterEach(() => rmSync(folder, { recursive: true }));
const open = () => new Spool<{ n: number }>(join(folder, "spool"));

it("gives back what was written whole, over several lives", async () => {
  expect(await Array.fromAsync(open().replay())).toEqual([]);
  const first = open();
  first.append({ n: 1 });
  first.append({ n: 2 });
  // Died in the middle of a line.
  appendFileSync(join(folder, "spool"), '{"n":');
  const second = open();
  expect(await Array.fromAsync(second.replay())).toEqual([{ n: 1 }, { n: 2 }]);
  second.append({ n: 3 });
  second.close();
  appendFileSync(join(folder, "spool"), "{");
  const third = open();
  third.append({ n: 4 });
  expect((await Array.fromAsync(open().replay())).map(({ n }) => n)).toEqual([1, 2, 3, 4]);
});

it("lets ten warnings a second through and tells how many it left out", async () => {
  const told: string[] = [];
  const warnings = new Warnings(async (text) => void told.push(text));
  for (let i = 0; i < 25; i++) await warnings.warn(`w${i}`, new Date(5_000 + i));
  expect(told).toHaveLength(10);
  await warnings.warn("later", new Date(6_000));
  expect(told.slice(10)).toEqual(["15 more warnings like these were left out", "later"]);
  await warnings.end();
  expect(told).toHaveLength(12);
});

import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { openLog } from "./log-file.ts";
import { temporaryFolder } from "./test-database.ts";

it("keeps a bounded log that its owner alone can read", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "logs", "a.log");
  const log = openLog(path, 1000);
  for (let i = 0; i < 100; i++) log.write(`line ${i}`);
  log.follow(Readable.from(["one\ntw", "o\n"]), "[child]");
  await expect.poll(() => readFileSync(path, "utf8")).toMatch(/Z \[child\] one\n.*Z \[child\] two\n$/);
  await log.close();
  expect(readFileSync(path, "utf8")).toContain("line 99");
  expect(statSync(path).size + statSync(`${path}.1`).size).toBeLessThan(2500);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  rmSync(folder, { recursive: true });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { limitsOf, readContainerLimits } from "./container-limits.ts";

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "myelin-cgroup-"))));
afterEach(() => rmSync(root, { recursive: true }));

function files(contents: Record<string, string>): void {
  for (const [path, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  }
}

it("reads version 2, and the tightest of a group and those above it", () => {
  files({
    "a/cpu.max": "150000 100000",
    "a/memory.max": "1000",
    "a/b/cpu.max": "max 100000",
    "a/b/memory.max": "2000",
  });
  expect(limitsOf("0::/a/b\n", root)).toEqual({ cpus: 1.5, memory_bytes: 1000 });
});

it("reads version 1, where it is not mounted as it is named, too", () => {
  files({
    "cpu/cpu.cfs_quota_us": "50000",
    "cpu/cpu.cfs_period_us": "100000",
    "memory/docker/x/memory.limit_in_bytes": "3000",
  });
  const membership = "9:cpu:/docker/x\n8:memory:/docker/x\n1:name=systemd:/\n";
  expect(limitsOf(membership, root)).toEqual({ cpus: 0.5, memory_bytes: 3000 });
});

it("knows that none is none, in either's spelling", () => {
  files({
    "cpu.max": "max 100000",
    "memory.max": "max",
    "cpu/cpu.cfs_quota_us": "-1",
    "cpu/cpu.cfs_period_us": "100000",
    "memory/memory.limit_in_bytes": "9223372036854771712",
  });
  const none = { cpus: null, memory_bytes: null };
  expect(limitsOf("0::/\n1:cpu:/\n2:memory:/\n", root)).toEqual(none);
  expect(limitsOf("", root)).toEqual(none);
  expect(limitsOf("0::/not/there\n", root)).toEqual(none);
});

it("finds limits on this machine that could be, or none", () => {
  const { cpus, memory_bytes } = readContainerLimits();
  for (const limit of [cpus, memory_bytes]) expect(limit === null || limit > 0).toBe(true);
});

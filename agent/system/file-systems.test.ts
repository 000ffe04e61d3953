import { expect, it } from "vitest";
import { oncePerDevice, readFileSystems } from "./file-systems.ts";

const mounted = (fs: string, mount: string, size = 100) => ({ fs, mount, type: "ext4", size, used: 40 });

it("counts a device once, however often it is mounted", () => {
  const all = [mounted("/dev/a", "/var/lib/x"), mounted("/dev/a", "/"), mounted("/dev/b", "/data")];
  expect(oncePerDevice(all)).toEqual([
    { device: "/dev/a", mount: "/", type: "ext4", total_bytes: 100, used_bytes: 40 },
    { device: "/dev/b", mount: "/data", type: "ext4", total_bytes: 100, used_bytes: 40 },
  ]);
});

it("leaves out what has no size", () => {
  expect(oncePerDevice([mounted("none", "/x", 0)])).toEqual([]);
});

it("finds what this machine has", async () => {
  const found = (await readFileSystems())!;
  expect(found.length).toBeGreaterThan(0);
  expect(new Set(found.map(({ device }) => device)).size).toBe(found.length);
  for (const { total_bytes, used_bytes } of found) expect(total_bytes).toBeGreaterThanOrEqual(used_bytes);
});

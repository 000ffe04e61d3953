import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hasCode } from "../has-code.ts";

/** What a container or service manager lets this program have; `null` where it sets no limit. */
export interface ContainerLimits {
  /** CPUs' worth of time, maybe a fraction. */
  cpus: number | null;
  memory_bytes: number | null;
}

// Version 1 writes "none" as the largest number of whole pages.
const BEYOND_ANY_MEMORY = 2 ** 60;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if (["ENOENT", "EACCES", "ENOTDIR", "EISDIR"].some((code) => hasCode(error, code))) return undefined;
    throw error;
  }
}

const quotient = (quota: number, period: number): number | null =>
  quota > 0 && period > 0 ? quota / period : null;

function cpusIn(folder: string, version: 1 | 2): number | null {
  if (version === 2) {
    const [quota, period] = (read(join(folder, "cpu.max")) ?? "max").split(" ").map(Number);
    return quotient(quota ?? Number.NaN, period ?? Number.NaN);
  }
  return quotient(
    Number(read(join(folder, "cpu.cfs_quota_us"))),
    Number(read(join(folder, "cpu.cfs_period_us"))),
  );
}

function memoryIn(folder: string, version: 1 | 2): number | null {
  const bytes = Number(read(join(folder, version === 2 ? "memory.max" : "memory.limit_in_bytes")));
  return bytes > 0 && bytes < BEYOND_ANY_MEMORY ? bytes : null;
}

/** A control group and those above it, all of whose limits hold. */
function* upwards(root: string, path: string): Generator<string> {
  for (let at = path; ; at = dirname(at)) {
    yield join(root, at);
    if (at === "/" || at === ".") return;
  }
}

function smallest(values: Iterable<number | null>): number | null {
  const known = [...values].filter((value) => value !== null);
  return known.length > 0 ? Math.min(...known) : null;
}

/**
 * The limits of the control groups `membership` (the text of `/proc/self/cgroup`) names, mounted below `root`; versions 1
 * and 2 of the kernel's interface, also side by side.
 */
export function limitsOf(membership: string, root: string): ContainerLimits {
  const groups = membership
    .split("\n")
    .map((line) => /^\d+:([^:]*):(\/.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, controllers, path]) => ({ controllers: controllers!.split(","), path: path! }));
  const limit = (controller: string, of: (folder: string, version: 1 | 2) => number | null) =>
    smallest(
      groups.flatMap(({ controllers, path }) => {
        if (controllers[0] === "") return [...upwards(root, path)].map((folder) => of(folder, 2));
        if (!controllers.includes(controller)) return [];
        return [...upwards(join(root, controller), path)].map((folder) => of(folder, 1));
      }),
    );
  return { cpus: limit("cpu", cpusIn), memory_bytes: limit("memory", memoryIn) };
}

/** The limits this program itself is under. */
export function readContainerLimits(): ContainerLimits {
  const membership = read("/proc/self/cgroup");
  return membership === undefined
    ? { cpus: null, memory_bytes: null }
    : limitsOf(membership, "/sys/fs/cgroup");
}

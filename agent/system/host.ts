import { arch, cpus, hostname, platform, totalmem } from "node:os";
import si from "systeminformation";
import type { Host } from "../../src/kernel/agent-protocol.ts";
import { readContainerLimits } from "./container-limits.ts";
import type { Gpus } from "./gpus.ts";

/** The machine: what it is called, what it has, and how much of that this program may use. */
export async function readHost(gpus: Gpus): Promise<Host> {
  // A machine that cannot say what it is called or made of can still work.
  const unknown = () => undefined;
  const [cpu, os, cards] = await Promise.all([
    si.cpu().catch(unknown),
    si.osInfo().catch(unknown),
    gpus.read().catch(() => []),
  ]);
  return {
    hostname: hostname(),
    platform: platform(),
    arch: arch(),
    cpus: cpus().length,
    memory_bytes: totalmem(),
    gpus: cards.map(({ name, vendor, memory_total_bytes, driver }) => ({
      name,
      vendor,
      memory_bytes: memory_total_bytes,
      driver,
    })),
    os: [os?.distro, os?.release].filter(Boolean).join(" ") || null,
    cpu_model: [cpu?.manufacturer, cpu?.brand].filter(Boolean).join(" ") || null,
    physical_cpus: cpu?.physicalCores || null,
    limits: readContainerLimits(),
  };
}

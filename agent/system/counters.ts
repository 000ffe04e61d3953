import { readdirSync, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import si from "systeminformation";
import { hasCode } from "../has-code.ts";

/** Bytes since the host started; `null` where it does not tell. */
export interface Counters {
  diskRead: number | null;
  diskWritten: number | null;
  networkReceived: number | null;
  networkSent: number | null;
}

/** Linux counts in sectors of this size, whatever the disk's own. */
const SECTOR_BYTES = 512;

/** The devices of a class that are hardware: not loops, partitions, bridges or what else is layered on others. */
function hardware(folder: string): Set<string> {
  try {
    return new Set(readdirSync(folder).filter((name) => existsSync(join(folder, name, "device"))));
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "EACCES")) return new Set();
    throw error;
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT") || hasCode(error, "EACCES")) return undefined;
    throw error;
  }
}

/** Sums two columns of the rows of `wanted`; `null` when there is no such row. */
function sums(rows: [name: string, a: number, b: number][], wanted: (name: string) => boolean) {
  const chosen = rows.filter(([name]) => wanted(name));
  if (chosen.length === 0) return [null, null] as const;
  return [chosen.reduce((sum, [, a]) => sum + a, 0), chosen.reduce((sum, [, , b]) => sum + b, 0)] as const;
}

/** `/proc/diskstats` (kernel documentation, admin-guide/iostats): bytes read and written by the disks of `wanted`. */
export function parseDiskStats(text: string, wanted: ReadonlySet<string>) {
  const rows = text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells.length >= 10)
    .map((cells): [string, number, number] => [
      cells[2]!,
      Number(cells[5]) * SECTOR_BYTES,
      Number(cells[9]) * SECTOR_BYTES,
    ]);
  return sums(rows, (name) => wanted.has(name));
}

/** `/proc/net/dev`: bytes in and out of the interfaces of `wanted`; of all but the loopback where none is hardware. */
export function parseNetDev(text: string, wanted: ReadonlySet<string>) {
  const rows = text
    .split("\n")
    .map((line) => /^\s*([^\s:]+):\s*(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, name, rest]): [string, number, number] => {
      const cells = rest!.trim().split(/\s+/);
      return [name!, Number(cells[0]), Number(cells[8])];
    });
  return sums(rows, (name) => (wanted.size > 0 ? wanted.has(name) : name !== "lo"));
}

/** Straight from `/proc`: two small reads, where the package starts six programs for the same figures. */
async function readProc(): Promise<Counters> {
  const [disks, net] = await Promise.all([readText("/proc/diskstats"), readText("/proc/net/dev")]);
  const nothing = [null, null] as const;
  const [diskRead, diskWritten] =
    disks === undefined ? nothing : parseDiskStats(disks, hardware("/sys/block"));
  const [networkReceived, networkSent] =
    net === undefined ? nothing : parseNetDev(net, hardware("/sys/class/net"));
  return { diskRead, diskWritten, networkReceived, networkSent };
}

const known = (value: number | null | undefined): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

/** By the package, for other systems: the default interface, and the disks where it knows how. */
export async function readByPackage(): Promise<Counters> {
  const [disks, interfaces] = await Promise.all([
    si.fsStats() as Promise<si.Systeminformation.FsStatsData | null>,
    si.networkStats(),
  ]);
  return {
    diskRead: known(disks?.rx),
    diskWritten: known(disks?.wx),
    networkReceived: known(interfaces[0]?.rx_bytes),
    networkSent: known(interfaces[0]?.tx_bytes),
  };
}

/** How the counters of this host are read, and how often that is worth it. */
export const counters =
  process.platform === "linux" ? { read: readProc, everyMs: 1_000 } : { read: readByPackage, everyMs: 5_000 };

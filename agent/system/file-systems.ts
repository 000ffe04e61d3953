import si from "systeminformation";
import type { FileSystemSample } from "../../src/kernel/system-sample.ts";

type Mounted = Pick<si.Systeminformation.FsSizeData, "fs" | "mount" | "type" | "size" | "used">;

/** One entry per device: bind mounts and subvolumes show the same bytes again and again. The shortest mount stays. */
export function oncePerDevice(mounted: Mounted[]): FileSystemSample[] {
  const byDevice = new Map<string, Mounted>();
  for (const one of mounted) {
    if (!(one.size > 0)) continue;
    const other = byDevice.get(one.fs);
    if (!other || one.mount.length < other.mount.length) byDevice.set(one.fs, one);
  }
  return [...byDevice.values()].map(({ fs, mount, type, size, used }) => ({
    device: fs,
    mount,
    type,
    total_bytes: size,
    used_bytes: used,
  }));
}

/** The file systems of this host; `null` where it does not tell. */
export async function readFileSystems(): Promise<FileSystemSample[] | null> {
  const mounted = (await si.fsSize()) as Mounted[] | null;
  return mounted && mounted.length > 0 ? oncePerDevice(mounted) : null;
}

import { cpus } from "node:os";

/** Time one core has spent since the host started, in milliseconds. */
export interface CoreTimes {
  busy: number;
  total: number;
}

export interface CpuLoad {
  /** Of all cores together, 0–100; `null` where it cannot be told. */
  percent: number | null;
  per_core: (number | null)[];
}

export const readCoreTimes = (): CoreTimes[] =>
  cpus().map(({ times: { user, nice, sys, irq, idle } }) => {
    const busy = user + nice + sys + irq;
    return { busy, total: busy + idle };
  });

const shareOf = (busy: number, total: number): number | null =>
  total > 0 ? Math.round(Math.min(100, Math.max(0, (100 * busy) / total)) * 100) / 100 : null;

const sum = (times: CoreTimes[], of: keyof CoreTimes): number =>
  times.reduce((total, core) => total + core[of], 0);

/** The load between two readings; `null` everywhere without an earlier one, or when cores came or went in between. */
export function loadBetween(before: CoreTimes[] | undefined, after: CoreTimes[]): CpuLoad {
  if (before?.length !== after.length) return { percent: null, per_core: after.map(() => null) };
  const spent = after.map(({ busy, total }, i) => ({
    busy: busy - before[i]!.busy,
    total: total - before[i]!.total,
  }));
  return {
    percent: shareOf(sum(spent, "busy"), sum(spent, "total")),
    per_core: spent.map(({ busy, total }) => shareOf(busy, total)),
  };
}

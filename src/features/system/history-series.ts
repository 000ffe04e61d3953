import type { Sample } from "../../kernel/system-sample.ts";
import { percentOf, sumOf, weightedMean } from "./aggregate.ts";

/** A sample and when it was taken, epoch milliseconds by our clock. */
export interface Dated {
  at: number;
  sample: Sample;
}

/** Columns of equal length, a row a moment, oldest first; see `history.schema.ts` for the units. */
export interface Series {
  at: number[];
  cpu: (number | null)[];
  memory: (number | null)[];
  diskRead: (number | null)[];
  diskWritten: (number | null)[];
  received: (number | null)[];
  sent: (number | null)[];
  /** A column for each GPU, those of one agent after those of the other. */
  gpus: (number | null)[][];
}

type Row = { at: number; samples: (Sample | undefined)[] };

/**
 * Puts the samples of several agents, each oldest first, on one grid of `count` moments that ends with the newest. For
 * each moment an agent's newest sample up to then counts, if it is at most two steps old: clocks and timers are a little
 * apart, and a fleet must not seem to shrink because of that.
 */
function onGrid(agents: Dated[][], stepMs: number, count: number): Row[] {
  const end = Math.max(...agents.map((samples) => samples.at(-1)?.at ?? Number.NEGATIVE_INFINITY));
  const begin = Math.min(...agents.map((samples) => samples[0]?.at ?? Number.POSITIVE_INFINITY));
  if (!Number.isFinite(end)) return [];
  const length = Math.min(count, Math.floor((end - begin) / stepMs) + 1);
  const next = agents.map(() => 0);
  return Array.from({ length }, (_, i) => {
    const at = end - (length - 1 - i) * stepMs;
    const samples = agents.map((dated, agent) => {
      while (dated[next[agent]!] && dated[next[agent]!]!.at <= at) next[agent]! += 1;
      const newest = dated[next[agent]! - 1];
      return newest && at - newest.at < 2 * stepMs ? newest.sample : undefined;
    });
    return { at, samples };
  });
}

/** The history of one agent as it is, or of several taken together: percents are means, rates are sums. */
export function toSeries(agents: Dated[][], stepMs: number, count: number): Series {
  const [only] = agents;
  const rows: Row[] =
    agents.length === 1
      ? only!.slice(-count).map(({ at, sample }) => ({ at, samples: [sample] }))
      : onGrid(agents, stepMs, count);
  const there = rows.map(({ samples }) => samples.filter((sample) => sample !== undefined));
  const sum = (of: (sample: Sample) => number | null) =>
    there.map((samples) => sumOf(samples.map((sample) => of(sample))));
  return {
    at: rows.map(({ at }) => at),
    cpu: there.map((samples) =>
      weightedMean(samples.map(({ cpu }) => ({ value: cpu.percent, weight: cpu.per_core.length }))),
    ),
    memory: there.map((samples) =>
      percentOf(
        sumOf(samples.map(({ memory }) => memory.used_bytes)),
        sumOf(samples.map(({ memory }) => memory.total_bytes)),
      ),
    ),
    diskRead: sum(({ disk_io }) => disk_io.read_bytes_per_second),
    diskWritten: sum(({ disk_io }) => disk_io.write_bytes_per_second),
    received: sum(({ network }) => network.rx_bytes_per_second),
    sent: sum(({ network }) => network.tx_bytes_per_second),
    gpus: gpuColumns(rows, agents.length),
  };
}

function gpuColumns(rows: Row[], agents: number): (number | null)[][] {
  return Array.from({ length: agents }, (_, agent) => {
    const cards = rows.map(({ samples }) => samples[agent]?.gpus ?? []);
    const most = cards.reduce((max, { length }) => Math.max(max, length), 0);
    return Array.from({ length: most }, (_, gpu) =>
      cards.map((gpus) => gpus[gpu]?.utilization_percent ?? null),
    );
  }).flat();
}

import type { Counters } from "./counters.ts";

/** Counters, and when they were read (milliseconds of a clock that only runs forward). */
export interface Reading {
  at: number;
  counters: Counters;
}

/** Bytes per second between two readings. */
export type Rates = Counters;

/** Before there is anything to compare. */
export const NO_RATES: Rates = {
  diskRead: null,
  diskWritten: null,
  networkReceived: null,
  networkSent: null,
};

/** What grew between two readings, per second; `null` without both, and where a counter was set back. */
export function ratesBetween(before: Reading | undefined, after: Reading): Rates {
  const seconds = before ? (after.at - before.at) / 1000 : 0;
  if (!before || seconds <= 0) return NO_RATES;
  const rate = (of: keyof Counters): number | null => {
    const [from, to] = [before.counters[of], after.counters[of]];
    return from === null || to === null || to < from ? null : Math.round((to - from) / seconds);
  };
  return {
    diskRead: rate("diskRead"),
    diskWritten: rate("diskWritten"),
    networkReceived: rate("networkReceived"),
    networkSent: rate("networkSent"),
  };
}

import { describe, expect, it } from "vitest";
import { counters, parseDiskStats, parseNetDev, readByPackage } from "./counters.ts";
import { NO_RATES, ratesBetween } from "./rates.ts";

const DISKS = `   7       0 loop0 10 0 80 0 0 0 0 0 0 0 0
 254       0 vda 3175892 0 1000 2931026 6005816 0 3000 2337357 0 0 0 0 0 0 0
 254       1 vda1 3175892 0 1000 2931026 6005816 0 3000 2337357 0 0 0 0 0 0 0
 252       0 dm-0 5 0 1000 1 5 0 3000 1 0 0 0
`;
const NET = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 5000 10 0 0 0 0 0 0 5000 10 0 0 0 0 0 0
  eth0:700 1 0 0 0 0 0 0 90 1 0 0 0 0 0 0
docker0: 11 1 0 0 0 0 0 0 22 1 0 0 0 0 0 0
`;

describe("what /proc counts", () => {
  it("is taken of whole disks, once", () => {
    expect(parseDiskStats(DISKS, new Set(["vda"]))).toEqual([512_000, 1_536_000]);
    expect(parseDiskStats(DISKS, new Set())).toEqual([null, null]);
  });

  it("is taken of the hardware's interfaces, and of all but the loopback where there is none", () => {
    expect(parseNetDev(NET, new Set(["eth0"]))).toEqual([700, 90]);
    expect(parseNetDev(NET, new Set())).toEqual([711, 112]);
    expect(parseNetDev("", new Set(["eth0"]))).toEqual([null, null]);
  });
});

it("agrees with the package, which sees one interface and the mounted disks of those", async () => {
  const theirs = await readByPackage();
  const ours = await counters.read();
  let compared = 0;
  for (const key of ["diskRead", "diskWritten", "networkReceived", "networkSent"] as const) {
    const [our, their] = [ours[key], theirs[key]];
    if (our === null || their === null) continue;
    compared += 1;
    expect(our, key).toBeGreaterThanOrEqual(their);
  }
  expect(compared).toBeGreaterThan(0);
});

describe("a rate", () => {
  const counted = (value: number | null) => ({
    diskRead: value,
    diskWritten: value,
    networkReceived: value,
    networkSent: value,
  });
  const rateOf = (from: number | null, to: number | null, ms: number) =>
    ratesBetween({ at: 1000, counters: counted(from) }, { at: 1000 + ms, counters: counted(to) }).diskRead;

  it("is what grew over the time it took", () => {
    expect(rateOf(100, 1100, 1000)).toBe(1000);
    expect(rateOf(100, 1100, 2000)).toBe(500);
    expect(rateOf(100, 100, 1000)).toBe(0);
  });

  it("is unknown without a reading before, a counter, time, or where a counter was set back", () => {
    expect(ratesBetween(undefined, { at: 1, counters: counted(5) })).toEqual(NO_RATES);
    expect(rateOf(null, 5, 1000)).toBeNull();
    expect(rateOf(5, null, 1000)).toBeNull();
    expect(rateOf(5, 9, 0)).toBeNull();
    expect(rateOf(9, 5, 1000)).toBeNull();
  });
});

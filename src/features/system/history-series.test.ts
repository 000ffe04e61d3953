import { describe, expect, it } from "vitest";
import { Sample } from "../../kernel/system-sample.ts";
import { type Dated, toSeries } from "./history-series.ts";

interface Said {
  cpu?: number | null;
  cores?: number;
  used?: number;
  total?: number;
  read?: number | null;
  gpus?: (number | null)[];
}

const GPU = {
  ...{ name: "g", vendor: null, driver: null, backend: "CUDA", memory_total_bytes: null },
  ...{ memory_used_bytes: null, temperature_c: null, power_watts: null },
};

const said = (
  at: number,
  { cpu = 10, cores = 1, used = 50, total = 100, read = 5, gpus = [] }: Said = {},
): Dated => ({
  at,
  sample: Sample.parse({
    at: "2026-01-01T00:00:00Z",
    cpu: { percent: cpu, per_core: Array.from({ length: cores }, () => cpu) },
    memory: {
      ...{ total_bytes: total, used_bytes: used, available_bytes: total - used },
      ...{ swap_total_bytes: 0, swap_used_bytes: 0 },
    },
    file_systems: null,
    disk_io: { read_bytes_per_second: read, write_bytes_per_second: null },
    network: { rx_bytes: null, tx_bytes: null, rx_bytes_per_second: read, tx_bytes_per_second: null },
    load: null,
    process_count: null,
    uptime_seconds: 1,
    gpus: gpus.map((utilization_percent) => ({ ...GPU, utilization_percent })),
  }),
});

const wide = { cpu: 40, cores: 3, used: 100, total: 300, read: 7 };

describe("one agent's history", () => {
  it("is what it said, as many as are wanted, oldest first", () => {
    const own = [said(1000), said(2100, { cpu: null, read: null }), said(2900, { cpu: 30 })];
    expect(toSeries([own], 1000, 2)).toEqual({
      at: [2100, 2900],
      cpu: [null, 30],
      memory: [50, 50],
      diskRead: [null, 5],
      diskWritten: [null, null],
      received: [null, 5],
      sent: [null, null],
      gpus: [],
    });
  });

  it("is nothing when it said nothing", () => {
    expect(toSeries([], 1000, 60)).toMatchObject({ at: [], cpu: [], gpus: [] });
    expect(toSeries([[], []], 1000, 60)).toMatchObject({ at: [], cpu: [], gpus: [] });
  });
});

describe("a fleet's history", () => {
  it("weighs percents by cores and bytes, and adds rates up", () => {
    const series = toSeries(
      [
        [said(1000), said(2000)],
        [said(1000, wide), said(2000, wide)],
      ],
      1000,
      60,
    );
    expect(series).toMatchObject({
      at: [1000, 2000],
      cpu: [32.5, 32.5],
      memory: [37.5, 37.5],
      diskRead: [12, 12],
      diskWritten: [null, null],
    });
  });

  it("does not shrink because timers are a little off", () => {
    const [steady, jittery] = [
      [1000, 2000, 3000, 4000].map((at) => said(at)),
      [950, 2010, 3300, 3990].map((at) => said(at, wide)),
    ];
    expect(toSeries([steady, jittery], 1000, 60).diskRead).toEqual([12, 12, 12, 12]);
  });

  it("is of those who were there", () => {
    const series = toSeries(
      [[1000, 2000, 3000, 4000, 5000].map((at) => said(at)), [said(1000, wide), said(5000, wide)]],
      1000,
      60,
    );
    expect(series.diskRead).toEqual([12, 12, 5, 5, 12]);
    expect(series.cpu).toEqual([32.5, 32.5, 10, 10, 32.5]);
  });

  it("ends with the newest and goes no further back than it may", () => {
    const old = Array.from({ length: 10 }, (_, i) => said(1000 * i));
    expect(toSeries([old, [said(9500, wide)]], 1000, 3)).toMatchObject({
      at: [7500, 8500, 9500],
      diskRead: [5, 5, 12],
    });
  });

  it("has a line for each GPU of each", () => {
    const [first, second] = [
      [said(1000, { gpus: [0, 20] }), said(2000, { gpus: [5, null] })],
      [said(1000), said(2000, { gpus: [99] })],
    ];
    expect(toSeries([first, second], 1000, 60).gpus).toEqual([
      [0, 5],
      [20, null],
      [null, 99],
    ]);
  });
});

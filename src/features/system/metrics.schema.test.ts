import { expect, it } from "vitest";
import type { Sample } from "../../kernel/system-sample.ts";
import { toSystemInfo } from "./info.schema.ts";
import { type Sampled, toSystemMetrics } from "./metrics.schema.ts";

const NOW = new Date("2026-01-02T03:04:05Z");

const sample = (cores: number, percent: number, bytes: number): Sample => ({
  at: "2026-01-02T03:04:04.000Z",
  cpu: { percent, per_core: Array.from({ length: cores }, () => percent) },
  memory: {
    ...{ total_bytes: bytes, used_bytes: bytes / 2, available_bytes: bytes / 2 },
    ...{ swap_total_bytes: 0, swap_used_bytes: 0 },
  },
  file_systems: null,
  disk_io: { read_bytes_per_second: bytes, write_bytes_per_second: null },
  network: { rx_bytes: null, tx_bytes: null, rx_bytes_per_second: 1, tx_bytes_per_second: null },
  load: null,
  process_count: null,
  uptime_seconds: bytes,
  gpus: [],
});

function sampled(id: string, told: Sample | null, host: object = {}): Sampled {
  const status = {
    ...{ connected: told !== null, state: "running" as const, since: 0, reason: null, work: [] },
    host: { hostname: id, platform: "linux", arch: "x64", cpus: 4, memory_bytes: 100, gpus: [], ...host },
    ...{ version: "1", capabilities: [], labels: [], clockSkewMs: 0, lastSeenAt: NOW.getTime() },
  };
  return {
    member: { agent: { id, ownerId: "o", name: id, lastSeenAt: null }, link: undefined as never, status },
    asked: told ? { ok: true, value: told } : { ok: false, code: "AGENT_OFFLINE", message: "Away." },
  };
}

it("weighs percents by cores, adds bytes and rates, and leaves out who says nothing", () => {
  const fleet = [sampled("a", sample(1, 50, 1000)), sampled("b", sample(3, 10, 3000)), sampled("c", null)];
  const metrics = toSystemMetrics(fleet, NOW);
  expect(metrics).toMatchObject({
    ...{ cpu_usage_percent: 20, cpu_per_core: [50, 10, 10, 10], agents_connected: 2, uptime_seconds: 3000 },
    ...{ memory_used_bytes: 2000, memory_total_bytes: 4000, memory_percent: 50, swap_total_bytes: 0 },
    ...{ disk_read_bytes_per_second: 4000, disk_write_bytes_per_second: null, disk_total_bytes: null },
    ...{ network_rx_bytes_per_second: 2, load_avg_1m: null, process_count: null, disk_percent: null },
  });
  expect(metrics.agents.map(({ cpu_usage_percent, error }) => [cpu_usage_percent, error?.code])).toEqual([
    [50, undefined],
    [10, undefined],
    [null, "AGENT_OFFLINE"],
  ]);
});

it.each([
  ["is right", 0, "2026-01-02T03:04:04Z", "2026-01-02T03:04:04.000Z"],
  ["is known to be ahead", 3_600_000, "2026-01-02T04:04:03Z", "2026-01-02T03:04:03.000Z"],
  ["is known to be behind", -3_600_000, "2026-01-02T02:04:03Z", "2026-01-02T03:04:03.000Z"],
  ["was set to another century since", 5, "2999-01-01T00:00:00Z", NOW.toISOString()],
  ["makes no sense at all", 8e15 / 40, "0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"],
])("tells when an agent measured by our clock, where the agent's %s", (_, clockSkewMs, at, expected) => {
  const one = sampled("a", { ...sample(1, 1, 1), at });
  const member = { ...one.member, status: { ...one.member.status!, clockSkewMs } };
  expect(toSystemMetrics([{ ...one, member }], NOW).agents[0]!.sampled_at).toBe(expected);
});

it("says of machines that differ only what they have in common", () => {
  const fleet = [
    sampled("a", sample(4, 1, 1)),
    sampled("b", sample(4, 1, 1), { arch: "arm64", cpus: 8 }),
    sampled("c", null, { platform: "win32", cpus: 100 }),
  ];
  expect(toSystemInfo(fleet)).toMatchObject({
    ...{ platform: "linux", arch: null, cpu_count: 12, total_memory_bytes: 200, agents_connected: 2 },
  });
});

it("knows nothing without anybody", () => {
  expect(toSystemMetrics([], NOW)).toMatchObject({ cpu_usage_percent: null, cpu_per_core: [], agents: [] });
  expect(toSystemInfo([])).toMatchObject({ platform: null, cpu_count: null, agents: [] });
});

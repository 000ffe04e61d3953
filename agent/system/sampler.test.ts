import { spawn } from "node:child_process";
import { cpus, hostname, totalmem } from "node:os";
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Sample } from "../../src/kernel/system-sample.ts";
import { describeHost, watchSystem } from "./index.ts";

const hasDisk =
  process.platform === "linux" &&
  readdirSync("/sys/block").some((name) => existsSync(join("/sys/block", name, "device")));

/** Keeps a core and the disk busy, so that there is something to be seen. */
function toil(folder: string) {
  const child = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
  const file = openSync(join(folder, "toil"), "w");
  for (let i = 0; i < 16; i++) writeSync(file, Buffer.alloc(1_048_576, i));
  fsyncSync(file);
  closeSync(file);
  return () => child.kill("SIGKILL");
}

describe("a sampler", () => {
  const folder = mkdtempSync(join(tmpdir(), "myelin-sampler-"));
  const { sampler, commands } = watchSystem(folder, (text) => complaints.push(text));
  const complaints: string[] = [];
  let samples: Sample[];

  beforeAll(async () => {
    expect(sampler.latest()).toBeUndefined();
    sampler.start();
    sampler.start();
    await sleep(1_200);
    const rest = toil(folder);
    await sleep(3_000);
    rest();
    samples = sampler.history();
  });
  afterAll(() => {
    sampler.stop();
    rmSync(folder, { recursive: true });
  });

  it("takes one sample a second, in the shape that is understood elsewhere", () => {
    expect(samples.length).toBeGreaterThanOrEqual(3);
    expect(samples.length).toBeLessThanOrEqual(6);
    for (const sample of samples) expect(Sample.parse(sample)).toEqual(sample);
    expect(sampler.latest()).toEqual(sampler.history().at(-1));
  });

  it("does not know a rate before the second reading", () => {
    const [first, ...rest] = samples;
    expect(first!.cpu).toEqual({ percent: null, per_core: cpus().map(() => null) });
    expect(first!.disk_io).toEqual({ read_bytes_per_second: null, write_bytes_per_second: null });
    expect(first!.network).toMatchObject({ rx_bytes_per_second: null, tx_bytes_per_second: null });
    for (const { cpu } of rest) expect(cpu.percent).not.toBeNull();
  });

  it("sees a core that is busy", () => {
    const busiest = samples.slice(1).map(({ cpu }) => cpu.percent!);
    expect(Math.max(...busiest)).toBeGreaterThan(50 / cpus().length);
  });

  it.skipIf(!hasDisk)("sees what is written", () => {
    const written = samples.map(({ disk_io }) => disk_io.write_bytes_per_second ?? 0);
    expect(Math.max(...written)).toBeGreaterThan(4_000_000);
  });

  it("knows memory, file systems and processes", () => {
    const { memory, file_systems, process_count, load } = samples.at(-1)!;
    expect(memory.total_bytes).toBe(totalmem());
    expect(memory.used_bytes).toBe(memory.total_bytes - memory.available_bytes);
    expect(file_systems!.length).toBeGreaterThan(0);
    expect(process_count).toBeGreaterThan(1);
    expect(load).toHaveLength(3);
    expect(complaints).toEqual([]);
  });

  it("answers to its commands, and stops", async () => {
    const { signal } = new AbortController();
    const { samples: told } = (await commands["system.history"]!({}, signal)) as { samples: Sample[] };
    expect(told).toEqual(sampler.history());
    sampler.stop();
    expect(sampler.isRunning).toBe(false);
    const last = await commands["system.sample"]!({}, signal);
    await sleep(1_200);
    expect(await commands["system.sample"]!({}, signal)).toEqual(last);
  });
});

it("describes the machine", async () => {
  expect(await describeHost()).toMatchObject({
    hostname: hostname(),
    platform: process.platform,
    arch: process.arch,
    cpus: cpus().length,
    memory_bytes: totalmem(),
    gpus: expect.any(Array),
    limits: { cpus: expect.toSatisfy((value) => value === null || value > 0) },
  });
});

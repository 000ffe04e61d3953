import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { BenchmarkReport } from "../../../src/kernel/system-sample.ts";
import { Benchmark } from "./benchmark.ts";
import { multiply } from "./compute.ts";
import { median } from "./figure.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "myelin-benchmark-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;

it("measures everything there is to measure, one at a time, in seconds, and leaves nothing behind", async () => {
  mkdirSync(join(folder, "benchmark-of-one-that-was-killed"));
  const benchmark = new Benchmark(folder);
  const running = benchmark.run(never);
  await expect(benchmark.run(never)).rejects.toMatchObject({ code: "BENCHMARK_BUSY" });
  expect(benchmark.work()).toEqual([
    { kind: "benchmark", id: expect.any(String), since: expect.any(String) },
  ]);
  let beats = 0;
  const heart = setInterval(() => (beats += 1), 20);
  const report = BenchmarkReport.parse(await running);
  clearInterval(heart);
  const { figures, duration_ms } = report;
  expect(figures.map(({ name, unit }) => [name, unit])).toEqual([
    ["matrix_multiply", "GFLOP/s"],
    ["elementwise_add", "ms"],
    ["memory_copy_1mb", "GB/s"],
    ["memory_copy_16mb", "GB/s"],
    ["memory_copy_64mb", "GB/s"],
    ["onnx_inference", "rows/s"],
    ["disk_write", "MB/s"],
    ["disk_read", "MB/s"],
  ]);
  for (const { name, value, runs, method, reason } of figures) {
    expect([name, reason]).toEqual([name, null]);
    expect(value, name).toBeGreaterThan(0);
    expect(runs.length, name).toBeGreaterThanOrEqual(3);
    expect(Math.abs(value! / median(runs) - 1), name).toBeLessThan(0.001);
    expect(method).toMatch(/\S/);
  }
  expect(duration_ms).toBeLessThan(20_000);
  // The agent goes on meanwhile.
  expect(beats).toBeGreaterThan(duration_ms / 20 / 3);
  expect(readdirSync(folder)).toEqual([]);
  expect(benchmark.work()).toEqual([]);
});

it("ends when nobody waits for it, and can be had again", async () => {
  const benchmark = new Benchmark(folder);
  const cancel = new AbortController();
  const running = benchmark.run(cancel.signal);
  await sleep(300);
  const from = performance.now();
  cancel.abort();
  await expect(running).rejects.toThrow(/abort/i);
  expect(performance.now() - from).toBeLessThan(5_000);
  expect(readdirSync(folder)).toEqual([]);
  await expect(benchmark.run(cancel.signal)).rejects.toThrow(/abort/i);
  expect((await benchmark.run(never)).figures.length).toBe(8);
});

it("answers with what it has when its time is up", async () => {
  const from = performance.now();
  const { figures } = await new Benchmark(folder, 400).run(never);
  expect(performance.now() - from).toBeLessThan(5_000);
  expect(figures.length).toBeLessThan(8);
});

it("multiplies matrices", () => {
  const product = new Float32Array(4);
  multiply(Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6, 7, 8), product, 2);
  expect([...product]).toEqual([19, 22, 43, 50]);
});

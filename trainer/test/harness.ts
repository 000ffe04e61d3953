import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** Starts the trainer as the agent does: as a program, with metric lines on descriptor 3. */
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));
const CATALOG = new URL("../../src/features/datasets/catalog/", import.meta.url);

/** A job file's config, as written; any field may be wrong on purpose. */
export type RawConfig = Record<string, unknown>;

export const CONFIG: RawConfig = {
  epochs: 30,
  batch_size: 16,
  learning_rate: 0.01,
  optimizer: "adam",
  hidden: [16],
  seed: 7,
};

export interface Workplace {
  folder: string;
  output: string;
  job: string;
}

export function catalogFile(name: string): string {
  return fileURLToPath(new URL(name, CATALOG));
}

export function writeText(content: string | Uint8Array, name = "data.csv"): string {
  const path = join(mkdtempSync(join(tmpdir(), "myelin-trainer-")), name);
  writeFileSync(path, content);
  return path;
}

/** Makes a folder with a job file and an empty output folder. */
export function workplace(data: string, config: RawConfig = {}): Workplace {
  const folder = mkdtempSync(join(tmpdir(), "myelin-trainer-"));
  const output = join(folder, "output");
  mkdirSync(output);
  const job = join(folder, "job.json");
  writeFileSync(job, JSON.stringify({ data, output, config: { ...CONFIG, ...config } }));
  return { folder, output, job };
}

export type Trainer = ChildProcessByStdio<Writable, Readable, Readable> & { metrics: Readable };

export function startTrainer(job: string, env: Record<string, string> = {}): Trainer {
  const child = spawn(process.execPath, [MAIN, job], {
    stdio: ["pipe", "pipe", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  return Object.assign(child, { metrics: child.stdio[3] as Readable }) as Trainer;
}

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
  metrics: string;
}

export async function runTrainer(job: string): Promise<Finished> {
  const child = startTrainer(job);
  const [[code], stdout, stderr, metrics] = await Promise.all([
    once(child, "exit"),
    text(child.stdout),
    text(child.stderr),
    text(child.metrics),
  ]);
  return { code: code as number | null, stdout, stderr, metrics };
}

export function lines(metrics: string): Record<string, any>[] {
  return metrics
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

export function readResult(output: string): Record<string, any> {
  return JSON.parse(readFileSync(join(output, "result.json"), "utf8"));
}

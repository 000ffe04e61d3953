import { randomBytes } from "node:crypto";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median, post } from "./load.ts";
import { onPlatform, workerdMegabytes } from "./setup.ts";
import { number, type Row } from "./table.ts";

const BYTES = 90_000_000;
const ROUNDS = 5;
const SAMPLE_MS = 50;

/** Megabytes a second of `work`. */
async function speed(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return BYTES / 1000 / (performance.now() - startedAt);
}

const row = (what: string, speeds: number[]): Row => ({ what, measured: `${number(median(speeds))} MB/s` });

/** A large model file up and down, against the file system's own copy. */
export const upload = (workerDir: string): Promise<Row[]> =>
  onPlatform(workerDir, { agent: false }, async (bench) => {
    const { client, dataDir } = bench;
    const body = randomBytes(BYTES);
    const file = join(dataDir, "copied");
    writeFileSync(file, body);
    const { id } = await client.ask<{ id: string }>(
      post("/api/models", { name: "large", model_type: "mlp" }),
    );
    const path = `/api/models/${id}/versions`;
    const before = workerdMegabytes(bench);
    let peak = before;
    const sampler = setInterval(() => (peak = Math.max(peak, workerdMegabytes(bench))), SAMPLE_MS);
    const speeds = { up: [] as number[], down: [] as number[], copy: [] as number[] };
    for (let version = 1; version <= ROUNDS; version++) {
      speeds.up.push(
        await speed(() => client.send({ method: "PUT", path, body, type: "application/octet-stream" })),
      );
      speeds.down.push(
        await speed(() => client.send({ method: "GET", path: `${path}/${version}/download` })),
      );
      speeds.copy.push(await speed(() => copyFileSync(file, `${file}-${version}`)));
      rmSync(`${file}-${version}`);
    }
    clearInterval(sampler);
    const after = workerdMegabytes(bench);
    return [
      row(`upload of ${number(BYTES / 1e6)} MB as a raw body`, speeds.up),
      row("download of it", speeds.down),
      row("plain copy of a file of that size", speeds.copy),
      {
        what: `workerd's memory before / at most during / after ${ROUNDS} uploads and downloads`,
        measured: `${number(before)} / ${number(peak)} / ${number(after)} MB`,
      },
    ];
  });

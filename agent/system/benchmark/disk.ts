import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BenchmarkFigure } from "../../../src/kernel/system-sample.ts";
import { measured } from "./figure.ts";

const BLOCK = Buffer.alloc(1_048_576, 7);
const BLOCKS = 64;
const RUNS = 3;
const LONGEST_MS = 1_500;

/** Writes until the size or the time is reached, then waits until it is on the disk; MB/s. */
async function write(file: FileHandle): Promise<number> {
  const from = performance.now();
  let bytes = 0;
  for (let i = 0; i < BLOCKS && performance.now() - from < LONGEST_MS; i++)
    bytes += (await file.write(BLOCK, 0, BLOCK.length, i * BLOCK.length)).bytesWritten;
  await file.sync();
  return bytes / (performance.now() - from) / 1000;
}

async function read(file: FileHandle): Promise<number> {
  const block = Buffer.alloc(BLOCK.length);
  const from = performance.now();
  let bytes = 0;
  while (performance.now() - from < LONGEST_MS) {
    const { bytesRead } = await file.read(block, 0, block.length, bytes);
    if (bytesRead === 0) break;
    bytes += bytesRead;
  }
  return bytes / (performance.now() - from) / 1000;
}

/** Writes and reads a file in `folder`, and takes it away again. */
export async function disk(folder: string): Promise<BenchmarkFigure[]> {
  const path = join(folder, "disk");
  const [writes, reads]: [number[], number[]] = [[], []];
  try {
    for (let i = 0; i < RUNS; i++) {
      const file = await open(path, "w+");
      try {
        writes.push(await write(file));
        reads.push(await read(file));
      } finally {
        await file.close();
      }
    }
  } finally {
    await rm(path, { force: true });
  }
  return [
    measured(
      {
        name: "disk_write",
        unit: "MB/s",
        method: `${BLOCKS} MiB in blocks of 1 MiB (or as much as ${LONGEST_MS} ms take) with fsync, in the agent's folder`,
      },
      writes,
    ),
    measured(
      {
        name: "disk_read",
        unit: "MB/s",
        method:
          "the same file read back at once: from the system's cache where that holds it, so an upper bound",
      },
      reads,
    ),
  ];
}

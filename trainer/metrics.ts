import { fstatSync, createWriteStream, writeSync } from "node:fs";
import { Socket } from "node:net";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import type { Writable } from "node:stream";
import type { Epoch } from "./train.ts";

const METRICS_FD = 3;

/** Where metric lines go; `write` resolves when the reader keeps up. */
export interface MetricsSink {
  write(line: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens file descriptor 3 as the stream of metric lines; undefined when the parent did not pass one. */
export function openMetrics(): MetricsSink | undefined {
  const stream = openStream();
  if (stream === undefined) return undefined;
  let failure: Error | undefined;
  stream.on("error", (error) => (failure = error));
  return {
    async write(line) {
      if (failure) throw failure;
      if (!stream.write(line)) await once(stream, "drain");
    },
    async close() {
      if (failure) throw failure;
      stream.end();
      await finished(stream);
    },
  };
}

/** One metric line. Nothing in it depends on the clock, so a restarted training repeats its lines exactly. */
export function metricLine({ epoch, step, learningRate, train, test, validation }: Epoch): string {
  const custom = {
    ...(test.accuracy === undefined
      ? { test_loss: test.loss, test_rmse: test.rmse, test_r2: test.r2 }
      : { test_loss: test.loss, train_accuracy: train.accuracy }),
    test_balanced_accuracy: test.balancedAccuracy,
    val_loss: validation?.loss,
  };
  const line = {
    type: "metrics",
    n: epoch - 1,
    epoch,
    step,
    loss: train.loss,
    accuracy: test.accuracy,
    lr: learningRate,
    custom,
  };
  return `${JSON.stringify(line, spellNonFinite)}\n`;
}

/** JSON has no NaN and no infinities: they travel as the strings "NaN", "Infinity" and "-Infinity". */
export function spellNonFinite(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function openStream(): Writable | undefined {
  try {
    const stat = fstatSync(METRICS_FD);
    if (!stat.isFIFO() && !stat.isSocket() && !stat.isFile()) return undefined;
    // Left alone by the parent, number 3 is Node's own event queue: an empty write tells a stream from that.
    writeSync(METRICS_FD, new Uint8Array(0));
    if (stat.isFile()) return createWriteStream("", { fd: METRICS_FD });
    return new Socket({ fd: METRICS_FD, readable: false, writable: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && NOT_OPEN.has(error.code)) return undefined;
    throw error;
  }
}

const NOT_OPEN: Set<unknown> = new Set(["EBADF", "EINVAL", "ENXIO"]);

import { loadavg, uptime } from "node:os";
import { readdir } from "node:fs/promises";
import si from "systeminformation";
import type { FileSystemSample, GpuSample, Sample } from "../../src/kernel/system-sample.ts";
import { counters } from "./counters.ts";
import { type CoreTimes, loadBetween, readCoreTimes } from "./cpu-load.ts";
import { readFileSystems } from "./file-systems.ts";
import { Gpus } from "./gpus.ts";
import { NO_RATES, type Rates, ratesBetween, type Reading } from "./rates.ts";
import { Slow } from "./slow.ts";

const EVERY_MS = 1_000;
const KEPT = 60;
const FILE_SYSTEMS_MS = 30_000;
const GPUS_MS = 5_000;
const PROCESSES_MS = 5_000;
// Elsewhere it takes listing them all with a program.
const PROCESSES_ELSEWHERE_MS = 60_000;

async function countProcesses(): Promise<number> {
  if (process.platform !== "linux") return (await si.processes()).all;
  return (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).length;
}

async function readMemory(): Promise<Sample["memory"]> {
  const { total, available, swaptotal, swapused } = await si.mem();
  return {
    total_bytes: total,
    used_bytes: Math.max(0, total - available),
    available_bytes: available,
    swap_total_bytes: swaptotal,
    swap_used_bytes: swapused,
  };
}

/**
 * Samples this machine every second and keeps the last minute. What is dear to find out is asked for less often, and its
 * last answer stands in between.
 */
export class Sampler {
  readonly #log: (text: string) => void;
  readonly #samples: Sample[] = [];
  readonly #fileSystems: Slow<FileSystemSample[] | null>;
  readonly #cards: Slow<GpuSample[]>;
  readonly #processes: Slow<number | null>;
  #timer: NodeJS.Timeout | undefined;
  #isSampling = false;
  #times: CoreTimes[] | undefined;
  #reading: Reading | undefined;
  #rates: Rates = NO_RATES;
  #lastComplaint = "";

  constructor({ gpus = new Gpus(), log = () => {} }: { gpus?: Gpus; log?: (text: string) => void } = {}) {
    this.#log = log;
    const complain = (error: unknown) => this.#complain(error);
    const processesMs = process.platform === "linux" ? PROCESSES_MS : PROCESSES_ELSEWHERE_MS;
    this.#fileSystems = new Slow<FileSystemSample[] | null>(FILE_SYSTEMS_MS, null, readFileSystems, complain);
    this.#cards = new Slow<GpuSample[]>(GPUS_MS, [], () => gpus.read(), complain);
    this.#processes = new Slow<number | null>(processesMs, null, countProcesses, complain);
  }

  /** Begins; doing so twice is fine. */
  start(): void {
    if (this.#timer) return;
    void this.#tick();
    this.#timer = setInterval(() => void this.#tick(), EVERY_MS);
    // Watching keeps nothing alive.
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get isRunning(): boolean {
    return this.#timer !== undefined;
  }

  /** The newest sample; nothing before the first. */
  latest(): Sample | undefined {
    return this.#samples.at(-1);
  }

  /** The last minute, oldest first. */
  history(): Sample[] {
    return [...this.#samples];
  }

  async #tick(): Promise<void> {
    // A machine too busy to be sampled in time misses one.
    if (this.#isSampling) return;
    this.#isSampling = true;
    try {
      this.#samples.push(await this.#sample());
      if (this.#samples.length > KEPT) this.#samples.shift();
    } catch (error) {
      this.#complain(error);
    } finally {
      this.#isSampling = false;
    }
  }

  /** Once for each new trouble: it would come again every second. */
  #complain(error: unknown): void {
    const text = `system figures: ${error instanceof Error ? error.message : String(error)}`;
    if (text !== this.#lastComplaint) this.#log(text);
    this.#lastComplaint = text;
  }

  async #sample(): Promise<Sample> {
    const [memory] = await Promise.all([readMemory(), this.#count()]);
    const times = readCoreTimes();
    const cpu = loadBetween(this.#times, times);
    this.#times = times;
    const now = performance.now();
    return {
      at: new Date().toISOString(),
      cpu,
      memory,
      file_systems: this.#fileSystems.latest(now),
      disk_io: {
        read_bytes_per_second: this.#rates.diskRead,
        write_bytes_per_second: this.#rates.diskWritten,
      },
      network: {
        rx_bytes: this.#reading?.counters.networkReceived ?? null,
        tx_bytes: this.#reading?.counters.networkSent ?? null,
        rx_bytes_per_second: this.#rates.networkReceived,
        tx_bytes_per_second: this.#rates.networkSent,
      },
      load: process.platform === "win32" ? null : (loadavg() as [number, number, number]),
      process_count: this.#processes.latest(now),
      uptime_seconds: Math.floor(uptime()),
      gpus: this.#cards.latest(now),
    };
  }

  async #count(): Promise<void> {
    const at = performance.now();
    // The timer is no better than a few milliseconds.
    if (this.#reading && at - this.#reading.at < counters.everyMs * 0.9) return;
    const reading = { at, counters: await counters.read() };
    this.#rates = ratesBetween(this.#reading, reading);
    this.#reading = reading;
  }
}

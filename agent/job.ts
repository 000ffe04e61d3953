import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { type Api, Refused } from "./api.ts";
import { Delivery } from "./delivery.ts";
import { Journal } from "./journal.ts";
import { type TrainerExit, TrainerProcess } from "./trainer-process.ts";

export interface Lease {
  run_id: string;
  config: Record<string, unknown>;
  resumed: boolean;
  /** How many points and log lines the run's feed holds. */
  entries: number;
}

interface LogLine {
  level: string;
  message: string;
  timestamp: string;
}

const MAX_MESSAGE = 16_000;
/** What the trainer knows; further keys of a run's config are its owner's own. */
const TRAINER_KEYS = [
  ...[
    "epochs",
    "batch_size",
    "learning_rate",
    "optimizer",
    "hidden",
    "seed",
    "test_fraction",
    "target",
    "task",
  ],
];

/** One training, from the dataset to the registered model. Safe to start again after a crash at any point. */
export class Job {
  readonly runId: string;
  readonly #lease: Lease;
  readonly #api: Api;
  readonly #folder: string;
  readonly #stopped = new AbortController();
  #trainer: TrainerProcess | undefined;
  #suspended = false;

  constructor(lease: Lease, api: Api, directory: string) {
    this.#lease = lease;
    this.#api = api;
    this.runId = lease.run_id;
    this.#folder = join(directory, "jobs", lease.run_id);
  }

  /** Ends the training for good; the run is somebody else's or over. */
  async abandon(): Promise<void> {
    this.#stopped.abort();
    await this.#trainer?.kill();
  }

  /** Ends the process but keeps all that is needed to take the run up again. */
  suspend(): Promise<void> {
    this.#suspended = true;
    return this.abandon();
  }

  /** Runs to the end and reports it. Resolves also when the run was lost on the way. */
  async run(): Promise<"reported" | "lost"> {
    try {
      await this.#work();
      return "reported";
    } catch (error) {
      if (this.#stopped.signal.aborted || (error instanceof Refused && error.meansLost)) {
        await this.abandon();
        return "lost";
      }
      await this.#trainer?.kill();
      await this.#report({ success: false, error: error instanceof Error ? error.message : String(error) });
      return "reported";
    } finally {
      if (!this.#suspended) rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  async #work(): Promise<void> {
    if (this.#lease.entries > 0 && !existsSync(this.#folder)) {
      throw new Error(
        "The agent lost its working folder, so it cannot tell what the run has reported already.",
      );
    }
    mkdirSync(join(this.#folder, "output"), { recursive: true });
    const jobFile = await this.#prepare();
    const { code, complaint } = await this.#train(jobFile);
    if (code !== 0) throw new Error(complaint || `The trainer ended with exit code ${code}.`);
    await this.#hand(join(this.#folder, "output"));
  }

  async #prepare(): Promise<string> {
    const data = join(this.#folder, "data.csv");
    if (!existsSync(data)) await this.#download(data);
    const jobFile = join(this.#folder, "job.json");
    const config = Object.fromEntries(
      Object.entries(this.#lease.config).filter(([key]) => TRAINER_KEYS.includes(key)),
    );
    writeFileSync(jobFile, JSON.stringify({ data, output: join(this.#folder, "output"), config }));
    return jobFile;
  }

  async #download(target: string): Promise<void> {
    const draft = `${target}.draft`;
    const response = await this.#call("GET", "dataset");
    await pipeline(Readable.fromWeb(response.body as ReadableStream), createWriteStream(draft));
    renameSync(draft, target);
  }

  async #train(jobFile: string): Promise<TrainerExit> {
    const metrics = this.#delivery<string>("metrics", (lines) => ({
      points: lines.map((line) => JSON.parse(line)),
    }));
    const logs = this.#delivery<LogLine>("logs", (lines) => ({ lines }));
    const trainer = new TrainerProcess(jobFile, {
      metric: (line) => metrics.push(stampPoint(line)),
      log: (level, message) =>
        logs.push({ level, message: message.slice(0, MAX_MESSAGE), timestamp: new Date().toISOString() }),
    });
    this.#trainer = trainer;
    const { signal } = this.#stopped;
    const delivered = Promise.all([metrics.run(signal), logs.run(signal)]);
    // A refusal while the trainer still runs ends it; awaiting the delivery below then throws the refusal.
    delivered.catch(() => trainer.kill());
    const exit = await trainer.finish();
    metrics.end();
    logs.end();
    await delivered;
    return exit;
  }

  #delivery<T>(kind: "metrics" | "logs", bodyOf: (lines: T[]) => unknown): Delivery<T> {
    const journal = new Journal(join(this.#folder, `${kind}.journal`));
    return new Delivery<T>({
      journal,
      send: async (lines, first, until) => {
        const path = `/api/training/runs/${this.runId}/${kind}`;
        const headers = { "idempotency-key": `agent-${first}-${until}` };
        const response = await this.#api.call(
          { method: "POST", path, json: bodyOf(lines), headers },
          this.#stopped.signal,
        );
        await response.body?.cancel();
      },
    });
  }

  async #hand(output: string): Promise<void> {
    const result = JSON.parse(readFileSync(join(output, "result.json"), "utf8")) as Record<string, unknown>;
    const headers = { "x-model-metrics": JSON.stringify(result["metrics"] ?? {}) };
    const response = await this.#call("PUT", "model", {
      body: readFileSync(join(output, "model.onnx")),
      headers,
    });
    await response.body?.cancel();
    await this.#report({ success: true, result });
  }

  async #report(json: { success: boolean; error?: string; result?: unknown }): Promise<void> {
    await this.#call("POST", "report", {
      json: json.error ? { ...json, error: json.error.slice(0, 4000) } : json,
    });
  }

  #call(
    method: "GET" | "POST" | "PUT",
    what: string,
    rest: { json?: unknown; body?: Uint8Array; headers?: Record<string, string> } = {},
  ) {
    const path = `/api/training/leases/${this.runId}/${what}`;
    return this.#api.call({ method, path, ...rest }, this.#stopped.signal);
  }
}

/** A trainer's line as the API takes it, with the time at which it was said. */
function stampPoint(line: string): string {
  const { epoch, step, loss, accuracy, lr, custom } = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify({ epoch, step, loss, accuracy, lr, custom, timestamp: new Date().toISOString() });
}

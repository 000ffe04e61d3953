import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Hopeless, Job } from "./job.ts";
import { type LogLine, logLine } from "./log-line.ts";
import { ProcessGroup, reasonOf, type WorkExit } from "./work/process-group.ts";
import { ownProgram } from "./own-file.ts";

const TRAINER = ownProgram("trainer/main");
/** How the trainer ends when the job or its data cannot be used. */
const BAD_INPUT = 2;

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
  ...["early_stopping", "class_weights", "k_folds", "lr_schedule"],
];

/**
 * A training by the trainer that comes with Myelin, from the dataset to the registered model. It says the same lines
 * whenever it is run, so one that was cut off is simply run again, and what is stored of it already is skipped.
 */
export class TabularJob extends Job {
  protected async work(): Promise<void> {
    mkdirSync(this.#output, { recursive: true });
    const exit = await this.#train(await this.#prepare());
    const reason = reasonOf(exit, this.limits);
    if (reason !== null) throw exit.code === BAD_INPUT ? new Hopeless(reason) : new Error(reason);
    await this.#hand();
  }

  get #output(): string {
    return join(this.folder, "output");
  }

  async #prepare(): Promise<string> {
    const data = join(this.folder, "data.csv");
    if (!existsSync(data)) await this.download("dataset", data);
    const jobFile = join(this.folder, "job.json");
    const config = Object.fromEntries(
      Object.entries(this.lease.config).filter(([key]) => TRAINER_KEYS.includes(key)),
    );
    writeFileSync(jobFile, JSON.stringify({ data, output: this.#output, config }));
    return jobFile;
  }

  async #train(jobFile: string): Promise<WorkExit> {
    const metrics = this.delivery<string>("metrics", (lines) => ({
      points: lines.map((line) => JSON.parse(line)),
    }));
    const logs = this.delivery<LogLine>("logs", (lines) => ({ lines }));
    const order = {
      argv: [process.execPath, TRAINER, jobFile],
      folder: this.folder,
      env: {},
      limits: this.limits,
    };
    this.signal.throwIfAborted();
    const trainer = new ProcessGroup(order, {
      metric: (line) => metrics.push(stampPoint(line)),
      log: (stream, line) => logs.push(logLine(stream === "stdout" ? "INFO" : "ERROR", line, new Date())),
    });
    this.process = trainer;
    const delivered = Promise.all([metrics.run(this.signal), logs.run(this.signal)]);
    // A refusal while the trainer still runs ends it; awaiting the delivery below then throws the refusal.
    delivered.catch(() => trainer.kill());
    const exit = await trainer.finish();
    metrics.end();
    logs.end();
    await delivered;
    return exit;
  }

  async #hand(): Promise<void> {
    const result = JSON.parse(readFileSync(join(this.#output, "result.json"), "utf8")) as Record<
      string,
      unknown
    >;
    const headers = { "x-model-metrics": JSON.stringify(result["metrics"] ?? {}) };
    const body = readFileSync(join(this.#output, "model.onnx"));
    const response = await this.call("PUT", "model", { body, headers });
    await response.body?.cancel();
    await this.report({ success: true, result });
  }
}

/** A trainer's line as the API takes it, with the time at which it was said. */
function stampPoint(line: string): string {
  const { epoch, step, loss, accuracy, lr, custom } = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify({ epoch, step, loss, accuracy, lr, custom, timestamp: new Date().toISOString() });
}

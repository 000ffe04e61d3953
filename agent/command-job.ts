import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  openAsBlob,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Refused } from "./api.ts";
import type { Delivery } from "./delivery.ts";
import { Hopeless, Job } from "./job.ts";
import { findLeftovers, sha256Of, unreadable } from "./leftovers.ts";
import { type LogLine, logLine, readLogLine } from "./log-line.ts";
import { MalformedLine, MetricLines, type Point } from "./metric-line.ts";
import { Spool } from "./spool.ts";
import { Warnings } from "./warnings.ts";
import { ProcessGroup, reasonOf, type WorkExit } from "./work/process-group.ts";

/** How far the attempt has got, kept on disk: what has begun to run is never run a second time. */
type Phase = { phase: "preparing" | "running" } | { phase: "ended"; exit: WorkExit };

const INTERRUPTED = "The agent was restarted while the process ran, and ended it.";
const NOT_ALLOWED = "The agent was restarted and runs no commands any more.";
const METRICS_FD = "3";
const SALVAGE_MS = 10 * 60_000;

interface Stream<T> {
  spool: Spool<T>;
  delivery: Delivery<T>;
}

/**
 * A command or script of a user's. It is run once: what it says is on disk before it is sent, so that an agent that was
 * restarted still delivers every line, each once, and then reports that the attempt was cut off.
 */
export class CommandJob extends Job {
  readonly #metricLines = new MetricLines();

  protected async work(): Promise<void> {
    const before = this.#phase;
    // It took the run in an earlier life, in which it was told otherwise.
    if (before.phase === "preparing" && !this.settings.allowCommand) throw new Error(NOT_ALLOWED);
    if (before.phase === "preparing") await this.#prepare();
    const exit = await this.#deliver(before);
    if (!exit) throw new Error(INTERRUPTED);
    const reason = reasonOf(exit, this.limits);
    if (reason === null) return this.report({ success: true });
    throw exit.failure === null ? new Error(reason) : new Hopeless(reason);
  }

  /**
   * What a program left that was stopped, its last checkpoint perhaps. The platform takes it only where it was stopped, and
   * not where the run is another agent's now.
   */
  protected override async salvage(): Promise<void> {
    const { log } = this.settings;
    const tell = (text: string) => Promise.resolve(log(`run ${this.runId}: ${text}`));
    try {
      await this.#keepArtifacts(tell, AbortSignal.timeout(SALVAGE_MS));
    } catch (error) {
      if (!(error instanceof Refused)) await tell(`its artifacts were not kept: ${String(error)}`);
    }
  }

  get #workFolder(): string {
    return join(this.folder, "work");
  }

  get #outputFolder(): string {
    return join(this.folder, "output");
  }

  get #phase(): Phase {
    const path = join(this.folder, "phase.json");
    return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Phase) : { phase: "preparing" };
  }

  set #phase(phase: Phase) {
    const path = join(this.folder, "phase.json");
    writeFileSync(`${path}.draft`, JSON.stringify(phase));
    renameSync(`${path}.draft`, path);
  }

  async #prepare(): Promise<void> {
    for (const folder of [this.#workFolder, this.#outputFolder]) {
      mkdirSync(folder, { recursive: true });
      this.#give(folder);
    }
    const { files, script } = this.lease.command!;
    if (script !== undefined) writeFileSync(join(this.folder, "script"), script);
    for (const { as } of files) {
      const target = join(this.#workFolder, as);
      this.#makeFolders(dirname(as));
      if (!existsSync(target)) await this.download(`file?as=${encodeURIComponent(as)}`, target);
      this.#give(target);
    }
  }

  #makeFolders(path: string): void {
    if (path === ".") return;
    this.#makeFolders(dirname(path));
    const folder = join(this.#workFolder, path);
    mkdirSync(folder, { recursive: true });
    this.#give(folder);
  }

  #give(path: string): void {
    const { user } = this.settings;
    if (user) chownSync(path, user.uid, user.gid);
  }

  /** Runs the command unless it was run before, and sends all it said, now or then. Nothing when it was cut off. */
  async #deliver(before: Phase): Promise<WorkExit | undefined> {
    const metrics = this.#stream<Point>("metrics", (points) => ({ points }));
    const logs = this.#stream<LogLine>("logs", (lines) => ({ lines }));
    const delivered = Promise.all([metrics.delivery.run(this.signal), logs.delivery.run(this.signal)]);
    // A refusal while the command still runs ends it; awaiting the delivery below then throws the refusal.
    delivered.catch(() => this.process?.kill());
    try {
      const exit = await Promise.race([
        this.#proceed(before, metrics, logs),
        // Never the first to end well: until the streams end there may be more to send.
        delivered.then(() => new Promise<never>(() => undefined)),
      ]);
      await delivered;
      return exit;
    } finally {
      // The room a file takes is given back only once nobody has it open.
      metrics.spool.close();
      logs.spool.close();
    }
  }

  async #proceed(
    before: Phase,
    metrics: Stream<Point>,
    logs: Stream<LogLine>,
  ): Promise<WorkExit | undefined> {
    await Promise.all([replay(metrics), replay(logs)]);
    let exit = before.phase === "ended" ? before.exit : undefined;
    if (before.phase === "preparing") {
      exit = await this.#execute(metrics, logs);
      this.signal.throwIfAborted();
      this.#phase = { phase: "ended", exit };
    }
    await this.#keepWhatCan((text) => push(logs, logLine("WARN", text, new Date())));
    metrics.delivery.end();
    logs.delivery.end();
    return exit;
  }

  #stream<T>(kind: "metrics" | "logs", bodyOf: (lines: T[]) => unknown): Stream<T> {
    return {
      spool: new Spool<T>(join(this.folder, `${kind}.spool`)),
      delivery: this.delivery<T>(kind, bodyOf),
    };
  }

  async #execute(metrics: Stream<Point>, logs: Stream<LogLine>): Promise<WorkExit> {
    const warn = (text: string) => push(logs, logLine("WARN", text, new Date()));
    const warnings = new Warnings(warn);
    const { attempt, max_retries: retries } = this.lease;
    if (attempt > 1) await push(logs, logLine("INFO", `attempt ${attempt} of ${retries + 1}`, new Date()));
    this.signal.throwIfAborted();
    this.#phase = { phase: "running" };
    this.process = new ProcessGroup(this.#order(), {
      metric: (line) => this.#takeMetric(line, metrics, warnings),
      log: (stream, line) =>
        stream === "agent"
          ? warn(line)
          : push(logs, readLogLine(line, stream === "stdout" ? "INFO" : "ERROR", new Date())),
    });
    const exit = await this.process.finish();
    await warnings.end();
    return exit;
  }

  async #takeMetric(line: string, metrics: Stream<Point>, warnings: Warnings): Promise<void> {
    if (line.trim() === "") return;
    const now = new Date();
    try {
      await push(metrics, this.#metricLines.read(line, now));
    } catch (error) {
      if (!(error instanceof MalformedLine)) throw error;
      await warnings.warn(`metric line left out, ${error.message}: ${line.slice(0, 200)}`, now);
    }
  }

  #order() {
    const { argv, interpreter = "python3", env } = this.lease.command!;
    return {
      argv: argv ?? [interpreter, join(this.folder, "script")],
      folder: this.#workFolder,
      env: { ...env, ...this.#given() },
      limits: this.limits,
      user: this.settings.user,
    };
  }

  /** What the process is told of its run, under our names and those of MLflow's clients. */
  #given(): Record<string, string> {
    const { url } = this.settings;
    const token = this.lease.token ?? "";
    return {
      MYELIN_URL: url,
      MYELIN_RUN_ID: this.runId,
      MYELIN_RUN_TOKEN: token,
      MYELIN_METRICS_FD: METRICS_FD,
      MYELIN_OUTPUT_DIR: this.#outputFolder,
      MLFLOW_TRACKING_URI: url,
      MLFLOW_RUN_ID: this.runId,
      MLFLOW_TRACKING_TOKEN: token,
    };
  }

  /** How a run ended does not depend on what it left, nor does what it said. */
  async #keepWhatCan(warn: (text: string) => Promise<void>): Promise<void> {
    try {
      await this.#keepArtifacts(warn, this.signal);
    } catch (error) {
      if (this.#isGivenUp(error, this.signal)) throw error;
      await warn(`artifacts were not kept: the output folder ${unreadable(error)}`);
    }
  }

  #isGivenUp(error: unknown, signal: AbortSignal): boolean {
    return signal.aborted || (error instanceof Refused && error.meansLost);
  }

  async #keepArtifacts(warn: (text: string) => Promise<void>, signal: AbortSignal): Promise<void> {
    if (!existsSync(this.#outputFolder)) return;
    // Whatever may have escaped must not put a link in a file's place while an agent that may read all reads it.
    if (this.settings.user) takeBack(this.#outputFolder);
    const { paths, warnings } = await findLeftovers(this.#outputFolder);
    for (const text of warnings) await warn(text);
    for (const path of paths) {
      try {
        await this.#keep(path, signal);
      } catch (error) {
        if (this.#isGivenUp(error, signal)) throw error;
        const why = error instanceof Refused ? error.message : `it ${unreadable(error)}`;
        await warn(`artifact ${path} was not kept: ${why}`);
      }
    }
  }

  async #keep(path: string, signal: AbortSignal): Promise<void> {
    const file = join(this.#outputFolder, path);
    const headers = { "x-content-sha256": await sha256Of(file) };
    const address = `/api/training/runs/${this.runId}/artifacts/${encodeURIComponent(path)}`;
    const request = { method: "PUT" as const, path: address, body: await openAsBlob(file), headers };
    const response = await this.settings.api.call(request, signal);
    await response.body?.cancel();
  }
}

function takeBack(folder: string): void {
  chownSync(folder, process.getuid!(), process.getgid!());
  chmodSync(folder, 0o700);
}

/** On disk first, then on its way; resolves when there is room for another. */
async function push<T>({ spool, delivery }: Stream<T>, entry: T): Promise<void> {
  spool.append(entry);
  await delivery.push(entry);
}

async function replay<T>({ spool, delivery }: Stream<T>): Promise<void> {
  for await (const entry of spool.replay()) await delivery.push(entry);
}

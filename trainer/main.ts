import { readFileSync } from "node:fs";
import { DivergenceError, InputError } from "./errors.ts";
import { parseJob, type Job } from "./job.ts";
import { openMetrics, type MetricsSink } from "./metrics.ts";
import { runJob } from "./run.ts";

/**
 * The built-in trainer: `node main.ts <job.json>`. Log on stdout, errors on stderr, metric lines on descriptor 3.
 * Exit codes: 0 done, 2 the job or its data cannot be used, 143 told to stop, 1 anything else.
 */
const EXIT = { failed: 1, badInput: 2, terminated: 143 } as const;

process.on("SIGTERM", () => process.exit(EXIT.terminated));
const stopWatching = process.env.MYELIN_EXIT_WITH_PARENT === "1" ? exitWithParent() : () => {};

const metrics = openMetrics();
try {
  if (!metrics) log("file descriptor 3 is not open: no metric lines will be written");
  await runJob(readJob(process.argv.slice(2)), log, metrics);
} catch (error) {
  process.exitCode = error instanceof InputError ? EXIT.badInput : EXIT.failed;
  process.stderr.write(`${describe(error)}\n`);
  await closeAfter(error, metrics);
} finally {
  stopWatching();
}

function log(line: string): void {
  process.stdout.write(`${line}\n`);
}

function readJob(args: string[]): Job {
  if (args.length !== 1) throw new InputError("usage: node main.ts <job.json>");
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(args[0]!, "utf8"));
  } catch (error) {
    throw new InputError(`the job file cannot be read: ${(error as Error).message}`);
  }
  return parseJob(parsed);
}

/** The parent holds the other end of stdin; when it dies, however that happens, the pipe closes. Gives the way to stop. */
function exitWithParent(): () => void {
  const exit = () => {
    process.stderr.write("the parent process is gone: stopping\n");
    process.exit(EXIT.failed);
  };
  process.stdin.once("end", exit).once("close", exit).resume();
  // An open stdin would keep a finished program alive.
  return () => void process.stdin.off("end", exit).off("close", exit).destroy();
}

function describe(error: unknown): string {
  if (error instanceof InputError || error instanceof DivergenceError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Lets the last lines reach the reader; a second failure is told too, unless it is the one we end with anyway. */
async function closeAfter(reason: unknown, sink: MetricsSink | undefined): Promise<void> {
  try {
    await sink?.close();
  } catch (error) {
    if (error !== reason) process.stderr.write(`the metric lines could not be written: ${describe(error)}\n`);
  }
}

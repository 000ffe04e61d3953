import { surviveClosedOutput } from "./closed-output.ts";
import { killTree } from "./process-tree.ts";
import { explain } from "./refusal.ts";
import type { Order, Report } from "./supervisor.ts";

/** Something that runs until it is stopped. */
export interface Service<Ready> {
  ready: Ready;
  stop(): Promise<void>;
}

/** The other side of `supervise`: starts the service when told to, and stops it when told to or left alone. */
export function serve<Options, Ready>(start: (options: Options) => Promise<Service<Ready>>): void {
  let service: Service<Ready> | undefined;
  process.once("disconnect", dieWithGroup);
  surviveClosedOutput();
  process.on("uncaughtException", fail);
  // The terminal's Ctrl-C is the supervisor's to handle; it gets here only where there are no process groups.
  process.on("SIGINT", () => {});
  process.on("message", (order: Order<Options>) => {
    if (order.type === "stop") return void service?.stop().then(leave, fail);
    start(order.options).then((started) => {
      service = started;
      report({ type: "ready", ready: started.ready });
    }, fail);
  });
}

/** Ends the program because of something that happened while it ran. */
export function fail(error: unknown): void {
  process.exitCode = 1;
  report({ type: "failed", reason: explain(error) }, () => leave());
}

function report<Ready>(message: Report<Ready>, sent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, sent);
}

function leave(): void {
  process.off("disconnect", dieWithGroup);
  process.exit();
}

/** The supervisor was killed. Data is safe: Postgres recovers from its log. */
function dieWithGroup(): void {
  killTree((one) => one.group === process.pid);
  process.kill(process.pid, "SIGKILL");
}

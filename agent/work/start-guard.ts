import { type ChildProcess, spawn } from "node:child_process";
import { ownProgram } from "../own-file.ts";
import type { Order } from "./guard.ts";

const GUARD = ownProgram("agent/work/guard");
/** Of what the guard needs itself nothing is the work's. */
const GUARD_ENV = ["PATH", "SystemRoot"];

/** Starts a guard and gives it its order; `work` is what it hands on to a job it starts. */
export function startGuard(order: Order, work: "pipe" | "ignore"): ChildProcess {
  const given = GUARD_ENV.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  const guard = spawn(process.execPath, [GUARD], {
    env: Object.fromEntries(given),
    stdio: ["pipe", work, work, work, "pipe"],
    detached: true,
  });
  // A guard that is gone already has its end told by its exit.
  guard.stdin!.on("error", () => undefined);
  guard.stdin!.write(`${JSON.stringify(order)}\n`);
  return guard;
}

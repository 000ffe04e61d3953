import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { Client, post } from "./load.ts";
import type { PlatformFacts } from "./platform.ts";

/** A platform of its own with a signed-in user, for one part. */
export interface Bench extends PlatformFacts {
  /** Calls as the user. */
  client: Client;
  accessToken: string;
  /** Calls as somebody else. */
  anotherClient(): Promise<Client>;
  query<T>(sql: string, parameters?: unknown[]): Promise<T[]>;
}

async function signUp(url: string): Promise<string> {
  const anonymous = new Client(url);
  const account = { email: `${randomUUID()}@example.com`, password: randomUUID() };
  await anonymous.send(post("/api/auth/register", { ...account, name: "Bench" }));
  const { access_token: token } = await anonymous.ask<{ access_token: string }>(
    post("/api/auth/login", account),
  );
  anonymous.close();
  return token;
}

/** Does `work` on a fresh platform, which is gone afterwards. */
export async function onPlatform<T>(
  workerDir: string,
  { agent }: { agent: boolean },
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const program = join(import.meta.dirname, "platform.ts");
  // In a group of its own: what ends the benchmark from the terminal must not reach it, it ends in order by itself.
  const child = fork(program, [workerDir, ...(agent ? ["agent"] : [])], {
    stdio: ["ignore", 2, 2, "ipc"],
    detached: true,
  });
  const gone = once(child, "exit");
  const started = once(child, "message") as Promise<[PlatformFacts]>;
  const failed = gone.then(([code]) => {
    throw new Error(`The platform ended with ${code}.`);
  });
  try {
    const [facts] = await Promise.race([started, failed]);
    return await Promise.race([withUser(facts, work), failed]);
  } finally {
    failed.catch(() => {});
    if (child.connected) child.disconnect();
    await gone;
  }
}

async function withUser<T>(facts: PlatformFacts, work: (bench: Bench) => Promise<T>): Promise<T> {
  const accessToken = await signUp(facts.url);
  const clientWith = (token: string) => new Client(facts.url, { authorization: `Bearer ${token}` });
  const anotherClient = async () => clientWith(await signUp(facts.url));
  const client = clientWith(accessToken);
  const database = new pg.Client(facts.databaseUrl);
  await database.connect();
  const query = async <R>(sql: string, parameters: unknown[] = []) =>
    (await database.query(sql, parameters)).rows as R[];
  try {
    return await work({ ...facts, accessToken, client, anotherClient, query });
  } finally {
    client.close();
    await database.end();
  }
}

/** A run that the benchmark itself reports to. */
export async function newRun({ client }: Bench): Promise<string> {
  const config = { epochs: 1, batch_size: 1, learning_rate: 0.1 };
  const run = { name: "bench", model_type: "mlp", executor: "external", config };
  return (await client.ask<{ id: string }>(post("/api/training/runs", run))).id;
}

export const metricsPath = (runId: string): string => `/api/training/runs/${runId}/metrics`;

/** The point of one training step. */
export const pointAt = (step: number) => ({
  epoch: Math.floor(step / 1000),
  step,
  loss: 2 / (1 + step / 5000) + Math.sin(step) / 50,
  accuracy: 1 - 1 / (1 + step / 3000),
  lr: 0.001,
});

export const BATCH = 1000;

/** The calls that report points `0`…`count` in full batches. */
export const batches = (runId: string, count: number) =>
  Array.from({ length: count / BATCH }, (_, batch) => {
    const points = Array.from({ length: BATCH }, (_, i) => pointAt(batch * BATCH + i));
    return post(metricsPath(runId), { points });
  });

/** Waits until the archive in Postgres holds `count` points of the run; returns the seconds it took. */
export async function archived({ query }: Bench, runId: string, count: number): Promise<number> {
  const sql =
    "select coalesce(sum(count), 0)::int as count from run_chunks where run_id = $1 and kind = 'metrics'";
  const startedAt = performance.now();
  for (;;) {
    const [row] = await query<{ count: number }>(sql, [runId]);
    if (row!.count === count) return (performance.now() - startedAt) / 1000;
    if (row!.count > count) throw new Error(`The archive holds ${row!.count} points of ${count}.`);
    await delay(100);
  }
}

/** Memory of the workerd processes in MB; NaN where there is no /proc. */
export function workerdMegabytes({ pids }: PlatformFacts): number {
  if (process.platform !== "linux") return NaN;
  let kilobytes = 0;
  for (const pid of pids) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    if (status.startsWith("Name:\tworkerd")) kilobytes += Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]);
  }
  return kilobytes / 1000;
}

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Interface } from "node:readline";
import { freePort } from "./free-port.ts";
import { openLog } from "./log-file.ts";
import type { LogFile } from "./log-file.ts";
import { dataLayout } from "./paths.ts";
import { findPostgres } from "./postgres-binaries.ts";
import { ensureCluster, seenFromInside } from "./postgres-cluster.ts";
import { ensureDatabase } from "./postgres-database.ts";
import { Refusal } from "./refusal.ts";
import { keepSecret, randomToken } from "./secrets-file.ts";

export interface EmbeddedPostgres {
  /** For the application role, which owns the database and is no superuser. */
  url: string;
  superuserUrl: string;
  pid: number;
  /** Ends every session and writes everything to disk. */
  stop(): Promise<void>;
}

const SETTINGS = {
  listen_addresses: "127.0.0.1",
  // No socket file: nothing to be left behind, and no path too long for one.
  unix_socket_directories: "",
  fsync: "on",
  timezone: "UTC",
  lc_messages: "C",
  max_connections: "100",
  // Compiling costs more than it saves on short queries.
  jit: "off",
};

/** Starts the embedded server on a free loopback port. The caller holds the lock of the data folder. */
export async function startPostgres(
  dataDir: string,
  onFailure: (error: Error) => void = () => {},
): Promise<EmbeddedPostgres> {
  const layout = dataLayout(dataDir);
  const programs = findPostgres();
  const superuserPassword = keepSecret(layout.superuserPassword, randomToken);
  const password = keepSecret(layout.databasePassword, randomToken);
  await ensureCluster(programs, layout.postgres, superuserPassword);
  const port = await freePort();
  const log = openLog(join(layout.logs, "postgres.log"));
  const server = await launch(programs, layout.postgres, port, log);
  try {
    await ensureDatabase({ port, superuserPassword, password });
  } catch (error) {
    await shutDown(server, log);
    throw error;
  }
  const died = () =>
    onFailure(new Refusal(`Postgres ended unexpectedly. See ${join(layout.logs, "postgres.log")}`));
  server.once("exit", died);
  return {
    url: `postgres://myelin:${password}@127.0.0.1:${port}/myelin`,
    superuserUrl: `postgres://postgres:${superuserPassword}@127.0.0.1:${port}/myelin`,
    pid: server.pid ?? 0,
    stop() {
      server.off("exit", died);
      return shutDown(server, log);
    },
  };
}

async function launch(
  programs: ReturnType<typeof findPostgres>,
  folder: string,
  port: number,
  log: LogFile,
): Promise<ChildProcess> {
  // Whoever wrote this file is dead: we hold the folder's lock, and leftovers have been cleared.
  rmSync(join(folder, "postmaster.pid"), { force: true });
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const server = spawn(programs.postgres, ["-D", seenFromInside(folder), "-p", String(port), ...settings], {
    cwd: folder,
    env: {},
    stdio: ["ignore", "ignore", "pipe"],
    ...programs.user,
  });
  await ready(server, log.follow(server.stderr, "[postgres]"));
  return server;
}

function ready(server: ChildProcess, lines: Interface): Promise<void> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    const died = (code: number | null) => {
      reject(
        new Refusal(`Postgres did not start (exit code ${code}). It said:\n${said.slice(-10).join("\n")}`),
      );
    };
    const listen = (line: string) => {
      said.push(line);
      if (!line.includes("database system is ready to accept connections")) return;
      lines.off("line", listen);
      server.off("exit", died);
      resolve();
    };
    lines.on("line", listen);
    server.once("exit", died);
    server.once("error", reject);
  });
}

/** SIGINT is Postgres's "fast" shutdown: sessions end, data is checkpointed. */
async function shutDown(server: ChildProcess, log: LogFile): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const impatience = setTimeout(() => server.kill("SIGQUIT"), 10_000);
    const gone = once(server, "exit");
    server.kill("SIGINT");
    await gone;
    clearTimeout(impatience);
  }
  await log.close();
}

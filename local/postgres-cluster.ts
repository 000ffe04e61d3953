import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { text } from "node:stream/consumers";
import type { PostgresPrograms } from "./postgres-binaries.ts";
import { Refusal } from "./refusal.ts";

/**
 * The data folder's name for the server. It runs with the folder as its working directory; when it also runs as
 * another user (we are root), that user may not be able to walk the path from the top, /root being private. On Linux
 * this link gets it there without a walk, so the whole data folder can stay private as well.
 */
export function seenFromInside(folder: string): string {
  return process.platform === "linux" && process.getuid?.() === 0 ? "/proc/self/cwd" : folder;
}

/** Makes the database cluster on first use: beside its place, then moved there, so a crash leaves no half one. */
export async function ensureCluster(
  programs: PostgresPrograms,
  folder: string,
  password: string,
): Promise<void> {
  if (existsSync(folder)) return;
  requireUserName();
  const draft = `${folder}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  if (programs.user) chownSync(draft, programs.user.uid, programs.user.gid);
  await runInitdb(programs, draft, password);
  renameSync(draft, folder);
}

/** initdb looks its user up by number, and a container may run as a number that has no name. */
function requireUserName(): void {
  try {
    userInfo();
  } catch {
    throw new Refusal(
      `User ${process.getuid?.()} has no entry in /etc/passwd, which Postgres needs to set up its data folder. Run as a named user, or set DATABASE_URL.`,
    );
  }
}

async function runInitdb(programs: PostgresPrograms, folder: string, password: string): Promise<void> {
  const passwordFile = handOver(`${folder}.password`, password, programs.user);
  const options = ["-D", seenFromInside(folder), "-U", "postgres", "-A", "scram-sha-256", "--encoding=UTF8"];
  // What Neon uses: Unicode rules built into Postgres, the same on every machine.
  const locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  try {
    const initdb = spawn(
      programs.initdb,
      [...options, ...locale, "--data-checksums", `--pwfile=${passwordFile.name}`],
      { cwd: folder, env: {}, stdio: ["ignore", "ignore", "pipe", passwordFile.fd], ...programs.user },
    );
    const [said, [code]] = await Promise.all([text(initdb.stderr!), once(initdb, "exit")]);
    if (code !== 0)
      throw new Refusal(`Postgres could not set up its data folder (${folder}):\n${said.trim()}`);
  } finally {
    passwordFile.remove();
  }
}

/** A file that exists for one child only, which gets it by descriptor for the reason `seenFromInside` gives. */
function handOver(path: string, content: string, owner: { uid: number; gid: number } | undefined) {
  writeFileSync(path, content, { mode: 0o600 });
  if (owner) chownSync(path, owner.uid, owner.gid);
  const fd = openSync(path, "r");
  const remove = () => {
    closeSync(fd);
    rmSync(path);
  };
  return { fd, remove, name: process.platform === "win32" ? path : "/dev/fd/3" };
}

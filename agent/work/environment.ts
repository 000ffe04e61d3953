import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { homedir, userInfo } from "node:os";

/** All a job gets to see of the agent's environment; above all not the agent's token. */
const ALLOWED = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SystemRoot"];

/** Whom jobs run as, where that is not the agent's own user. */
export interface JobUser {
  name: string;
  uid: number;
  gid: number;
}

/**
 * Looks a user up by name; throws when there is none, or when the agent may not become somebody else. The agent gives up
 * its own supplementary groups, which shells in pseudo-terminals would inherit.
 */
export function findUser(name: string): JobUser {
  if (process.getuid?.() !== 0) throw new Error("--user needs an agent that runs as root");
  const ask = (flag: string) => Number(execFileSync("id", [flag, "--", name], { encoding: "utf8" }));
  const user = { name, uid: ask("-u"), gid: ask("-g") };
  process.setgroups!([]);
  return user;
}

interface Login {
  home: string;
  shell: string;
}

/** Where somebody is at home, or `/` where that is not there, and the shell they sign in to. */
export function loginOf(user: JobUser | undefined): Login {
  if (process.platform === "win32") return { home: homedir(), shell: "powershell.exe" };
  const { home, shell } = user ? accountOf(user) : { home: homedir(), shell: ownShell() };
  return { home: isFolder(home) ? home : "/", shell: shell || "/bin/sh" };
}

/** A user may be a number that no file names. */
function ownShell(): string {
  try {
    return userInfo().shell ?? "";
  } catch {
    return "";
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function accountOf(user: JobUser): Login {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${user.name}:`));
  const [home, shell] = line?.split(":").slice(5) ?? [];
  return { home: home ?? "", shell: shell ?? "" };
}

/** The environment of a job: what is allowed of the agent's, and what the job is given. */
export function jobEnvironment(
  given: Record<string, string>,
  user: JobUser | undefined,
  folder: string,
): Record<string, string> {
  const allowed = ALLOWED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const own = user ? { HOME: folder, USER: user.name, LOGNAME: user.name } : {};
  return { ...Object.fromEntries(allowed), ...own, ...given };
}

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
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

/** Where somebody is at home, and the shell they sign in to. */
export function loginOf(user: JobUser | undefined): { home: string; shell: string } {
  if (process.platform === "win32") return { home: homedir(), shell: "powershell.exe" };
  if (!user) return { home: homedir(), shell: userInfo().shell ?? "/bin/sh" };
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${user.name}:`));
  const [home, shell] = line?.split(":").slice(5) ?? [];
  return { home: home || "/", shell: shell || "/bin/sh" };
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

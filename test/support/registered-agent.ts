import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import { type Client, until } from "./client.ts";

/** An agent as its owner knows it. */
export interface Registered {
  id: string;
  token: string;
  path: string;
}

export async function registerAgent(user: Client): Promise<Registered> {
  const { body } = await user.post("/api/agents", { name: randomUUID() });
  return { id: body.id, token: body.token, path: `/api/agents/${body.id}` };
}

/** Waits until the status is as `expected`. */
export const reaches = (user: Client, agent: Registered, expected: Record<string, unknown>) =>
  until(
    () => user.get(`${agent.path}/status`),
    ({ body }) => Object.entries(expected).every(([key, value]) => body[key] === value),
  );

/** The agent's program as a person starts it; gone with the test. */
export function startAgentProgram(
  token: string,
  args: string[] = [],
  env: Record<string, string> = {},
  { url = inject("url"), program = "agent/main.ts" } = {},
): { child: ChildProcess; exited: Promise<[code: number | null, signal: string | null]> } {
  const directory = mkdtempSync(join(tmpdir(), "myelin-agent-test-"));
  const all = [program, "--url", url, "--token", token, "--dir", directory, ...args];
  const child = spawn(process.execPath, all, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exited;
    rmSync(directory, { recursive: true, force: true });
  });
  return { child, exited };
}

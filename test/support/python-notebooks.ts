import { expect } from "vitest";
import { AgentProgram } from "./agent-program.ts";
import { until, type User } from "./client.ts";

/** Cells of a Python notebook of the user's, whose own agent runs them. */
export async function notebookOf(user: User, sources: string[]) {
  const { status, body } = await user.post("/api/notebooks", {
    ...{ name: "python", kernel: "python" },
    cells: sources.map((source) => ({ source })),
  });
  expect(status, JSON.stringify(body)).toBe(201);
  const path = `/api/notebooks/${body.id}`;
  const run = (i: number, timeout_ms = 20_000) =>
    user.post(`${path}/cells/${body.cells[i].id}/execute`, { timeout_ms });
  return { id: body.id as string, path, run, cells: body.cells as { id: string }[] };
}

/** What its outputs say, one after the other. */
export const textOf = ({ body }: { body: any }): string =>
  body.outputs.map((output: any) => output.text ?? "").join("");

/** An agent of the user's with Python notebooks, as soon as it is there. */
export async function agentOf(user: User, url?: string, path?: string): Promise<AgentProgram> {
  const agent = await AgentProgram.of(user, undefined, url, path);
  await until(
    () => user.get("/api/agents"),
    ({ body }) => body[0]?.connected && body[0].capabilities.includes("notebook:python"),
  );
  return agent;
}

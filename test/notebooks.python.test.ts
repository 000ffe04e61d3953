import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { newUser, until, type User } from "./support/client.ts";
import { isInstalled } from "./support/programs.ts";
import { AgentProgram } from "./support/agent-program.ts";
import { Watcher } from "./support/watcher.ts";

/** Cells of a Python notebook of the user's, whose own agent runs them. */
async function notebookOf(user: User, sources: string[]) {
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

const textOf = ({ body }: { body: any }): string =>
  body.outputs.map((output: any) => output.text ?? "").join("");

describe.skipIf(!isInstalled("python3"))("a Python notebook on an agent", () => {
  let user: User;
  let agent: AgentProgram;
  beforeAll(async () => {
    user = await newUser();
    agent = await AgentProgram.of(user);
    await until(
      () => user.get("/api/agents"),
      ({ body }) => body[0]?.connected && body[0].capabilities.includes("notebook:python"),
    );
    return () => agent.stop();
  });

  it("keeps a variable across cells, and is the same after export and import", async () => {
    const notebook = await notebookOf(user, ["x = 20\nprint('set')", "x + 22", "1 / 0"]);
    const first = await notebook.run(0);
    expect([first.status, first.body.status, textOf(first)]).toEqual([200, "completed", "set\n"]);
    const second = await notebook.run(1);
    expect([second.body.status, textOf(second)]).toEqual(["completed", "42"]);
    const third = await notebook.run(2);
    expect(third.body).toMatchObject({
      status: "error",
      outputs: [{ output_type: "error", error_name: "ZeroDivisionError" }],
    });
    const { body: exported } = await user.get(`${notebook.path}/export`);
    const imported = await user.post("/api/notebooks/import", { content: exported.content, format: "ipynb" });
    expect(imported.status).toBe(201);
    const again = `/api/notebooks/${imported.body.id}`;
    const outputs = async (path: string) =>
      (await user.get(path)).body.cells.map((cell: any) => cell.outputs.map(({ text }: any) => text));
    const before = await outputs(notebook.path);
    expect(await outputs(again)).toEqual(before);
    for (const cell of imported.body.cells.slice(0, 2))
      await user.post(`${again}/cells/${cell.id}/execute`, { timeout_ms: 20_000 });
    expect((await outputs(again)).slice(0, 2)).toEqual(before.slice(0, 2));
  });

  it("streams what a cell prints while it runs, and interrupts an endless loop within two seconds", async () => {
    const notebook = await notebookOf(user, [
      "import time\ni = 0\nwhile True:\n    i += 1\n    print('turn', i, flush=True)\n    time.sleep(0.05)",
      "i > 0",
    ]);
    const watcher = await Watcher.open(user.url, `${notebook.path}/stream`, { token: user.accessToken });
    const running = notebook.run(0, 60_000);
    await watcher.until(({ frames }) => frames.some(({ data }) => JSON.stringify(data).includes("turn 3")));
    const startedAt = Date.now();
    expect((await user.post(`${notebook.path}/stop`)).status).toBe(200);
    expect(Date.now() - startedAt).toBeLessThan(2_000);
    expect((await running).body.status).toBe("error");
    // The interpreter has survived it, with what it knew.
    expect(textOf(await notebook.run(1))).toBe("True");
    watcher.socket.terminate();
  });

  it("says that an output is too large to be shown, and its agent stays there", async () => {
    const notebook = await notebookOf(user, [
      "class Big:\n    def _repr_html_(self):\n        return '\u00e9' * 999_990 + '\"' * 9\nBig()",
      "print(6 * 7)",
    ]);
    expect(textOf(await notebook.run(0))).toMatch(/an output of \d+ characters was left out/);
    expect(textOf(await notebook.run(1))).toBe("42\n");
  });

  it("sees nothing of the agent's secrets, and its processes are gone after a restart", async () => {
    const notebook = await notebookOf(user, [
      "import os, subprocess\nchild = subprocess.Popen(['sleep', '600'])\naway = subprocess.Popen(['sleep', '601'], start_new_session=True)\nprint(os.getpid(), child.pid, away.pid)",
      "print(sorted(os.environ))",
      "child",
    ]);
    const pids = textOf(await notebook.run(0))
      .trim()
      .split(" ")
      .map(Number);
    expect(pids.every((pid) => existsSync(`/proc/${pid}`))).toBe(true);
    const names = textOf(await notebook.run(1));
    expect(names).toContain("PATH");
    expect(names).not.toMatch(/MYELIN_IC_TOKEN|AWS_SECRET/);
    expect((await user.post(`${notebook.path}/restart`)).status).toBe(200);
    await until(
      async () => pids.filter((pid) => existsSync(`/proc/${pid}`)),
      (left) => left.length === 0,
    );
    const { body } = await notebook.run(2);
    expect(body).toMatchObject({ status: "error", outputs: [{ error_name: "NameError" }] });
  });

  it("ends a fork bomb and all that it started, and the agent lives", async () => {
    const bomb = "import os, time\nfor _ in range(700):\n    if os.fork() == 0:\n        time.sleep(300)";
    const notebook = await notebookOf(user, ["import os\nprint(os.getpid())", bomb, "6 * 7"]);
    const group = textOf(await notebook.run(0)).trim();
    await notebook.run(1, 30_000);
    const left = async () =>
      execFileSync("ps", ["-eo", "pgid="], { encoding: "utf8" })
        .split(/\s+/)
        .filter((id) => id === group);
    await until(left, (pids) => pids.length === 0);
    expect(agent.output).toContain("more than 512 processes");
    await until(
      () => notebook.run(2),
      (answer) => textOf(answer) === "42",
    );
  });

  it("says so when its agent is killed in the middle of a cell, and goes on with a new kernel", async () => {
    const notebook = await notebookOf(user, [
      "import time\nprint('begun', flush=True)\ntime.sleep(60)",
      "2 + 3",
    ]);
    const watcher = await Watcher.open(user.url, `${notebook.path}/stream`, { token: user.accessToken });
    const running = notebook.run(0, 60_000);
    await watcher.until(({ frames }) => frames.some(({ data }) => JSON.stringify(data).includes("begun")));
    watcher.socket.terminate();
    await agent.restartHard();
    const { status, body } = await running;
    expect([status, body.status]).toEqual([200, "error"]);
    expect(JSON.stringify(body.outputs)).toMatch(/started anew|KernelDied/);
    expect(textOf(await notebook.run(1))).toBe("5");
  });
});

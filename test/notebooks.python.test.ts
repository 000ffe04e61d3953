import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { newAdmin, newUser, until, type User } from "./support/client.ts";
import { isInstalled } from "./support/programs.ts";
import { findPython } from "./support/pythons.ts";
import type { AgentProgram } from "./support/agent-program.ts";
import { Watcher } from "./support/watcher.ts";
import { agentOf, notebookOf, textOf } from "./support/python-notebooks.ts";

describe.skipIf(!isInstalled("python3"))("a Python notebook on an agent", () => {
  let user: User;
  let agent: AgentProgram;
  beforeAll(async () => {
    user = await newUser();
    agent = await agentOf(user);
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

  it("refuses a start while it is being stopped, and is then shown as stopped", async () => {
    const deaf =
      "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)";
    const { path, run } = await notebookOf(user, [deaf, "1"]);
    const watcher = await Watcher.open(user.url, `${path}/stream`, { token: user.accessToken });
    await user.post(`${path}/start`);
    await watcher.until(({ frames }) => frames.some(({ data }) => JSON.stringify(data).includes("deaf")));
    watcher.socket.terminate();
    const stopping = user.post(`${path}/stop`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const refused = { status: 409, body: { code: "NOTEBOOK_STOPPING" } };
    expect(await user.post(`${path}/start`)).toMatchObject(refused);
    expect(await run(1)).toMatchObject(refused);
    expect((await stopping).body.status).toBe("stopped");
    expect((await user.get(path)).body.status).toBe("stopped");
    expect((await run(1)).body.status).toBe("completed");
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
    await until(
      async () => agent.output,
      (told) => told.includes("The kernel had more than 512 processes"),
    );
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

it.skipIf(!isInstalled("python3"))(
  "ends what a suspended person has running on others' agents, with the kernel",
  async () => {
    const [owner, person] = await Promise.all([newAdmin(), newUser()]);
    const agent = await agentOf(owner);
    try {
      const [{ id }] = (await owner.get("/api/agents")).body;
      expect((await owner.put(`/api/agents/${id}`, { shared: true })).status).toBe(200);
      const source = "import os\nprint(os.getpid(), flush=True)\nwhile True: pass";
      const { path, run } = await notebookOf(person, [source]);
      const watcher = await Watcher.open(person.url, `${path}/stream`, { token: person.accessToken });
      const loop = run(0, 600_000);
      await watcher.until(({ frames }) => frames.some(({ type }) => type === "output"));
      const { output } = watcher.frames.find(({ type }) => type === "output")!.data as any;
      expect((await owner.post(`/api/admin/users/${person.id}/suspend`, {})).status).toBe(200);
      expect((await loop).body).toMatchObject({ status: "error" });
      await until(
        async () => existsSync(`/proc/${Number(output.text)}`),
        (alive) => !alive,
      );
    } finally {
      await agent.stop();
    }
  },
);

const jupyter = findPython("ipykernel", "jupyter_client", "matplotlib");
describe.skipIf(!jupyter)("a Python notebook on an agent that has Jupyter's kernel", () => {
  it("runs on that, with magics, figures as PNG, and says so", async () => {
    const user = await newUser();
    const agent = await agentOf(user, undefined, `${dirname(jupyter!)}:${process.env["PATH"]}`);
    try {
      const { path, run } = await notebookOf(user, [
        "%timeit -n1 -r1 1",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "x = 1",
        "import os; os._exit(3)",
      ]);
      expect((await user.get(`${path}/kernel`)).body.implementation).toBeNull();
      expect(textOf(await run(0))).toContain("per loop");
      const figure = await run(1, 60_000);
      expect(JSON.stringify(figure.body.outputs)).toContain("iVBORw0KGgo");
      const { body } = await user.get(`${path}/kernel`);
      expect(body).toMatchObject({ kernel: "idle", implementation: expect.stringMatching(/^ipykernel \d/) });
      expect(JSON.stringify((await run(3)).body.outputs)).toContain("ended with code 3");
      expect((await run(2)).body).toMatchObject({ status: "completed", kernel_started: true });
    } finally {
      await agent.stop();
    }
  });
});

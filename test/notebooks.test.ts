import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { admin, type Client, newUser, newViewer, query, until, type User } from "./support/client.ts";
import { Watcher } from "./support/watcher.ts";

let user: User;
beforeAll(async () => {
  user = await newUser();
});

const code = (source: string) => ({ source });
async function newNotebook(
  cells: Record<string, unknown>[] = [],
  extra = {},
  owner: Client = user,
): Promise<any> {
  const { status, body } = await owner.post("/api/notebooks", { name: "n", cells, ...extra });
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
}
const execute = (notebook: any, i: number, timeoutMs?: number) =>
  user.post(
    `/api/notebooks/${notebook.id}/cells/${notebook.cells[i].id}/execute`,
    timeoutMs ? { timeout_ms: timeoutMs } : {},
  );
const read = async (notebook: any) => (await user.get(`/api/notebooks/${notebook.id}`)).body;
const sources = (notebook: any) => notebook.cells.map((cell: any) => cell.source);

describe("a notebook", () => {
  it("begins with cells that run in its kernel", async () => {
    const notebook = await newNotebook();
    expect(notebook).toMatchObject({
      status: "draft",
      metadata: { kernel: "javascript" },
      model_id: null,
      user_id: user.id,
    });
    expect(notebook.cells.map((cell: any) => cell.cell_type)).toEqual(["markdown", "code"]);
    expect((await execute(notebook, 1)).body).toMatchObject({
      status: "completed",
      outputs: [{ text: "2.5" }],
    });
  });

  it("keeps ids, outputs and counters when its cells are saved, moved and added to", async () => {
    const notebook = await newNotebook([code("1"), code("2"), { source: "# x", cell_type: "MD" }]);
    await execute(notebook, 0);
    const [one, two, three] = notebook.cells;
    const saved = await user.put(`/api/notebooks/${notebook.id}`, {
      cells: [{ ...three }, { id: one.id, source: "1 + 0" }, { source: "new", cell_type: "raw" }],
    });
    expect(saved.status).toBe(200);
    expect(saved.body.cells.map((cell: any) => cell.id).slice(0, 2)).toEqual([three.id, one.id]);
    expect(saved.body.cells[1]).toMatchObject({
      source: "1 + 0",
      execution_count: 1,
      status: "completed",
      outputs: [{ text: "1" }],
    });
    expect(saved.body.cells.some((cell: any) => cell.id === two.id)).toBe(false);
    const added = await user.post(`/api/notebooks/${notebook.id}/cells`, { source: "first", position: 0 });
    expect(added.status).toBe(201);
    expect(sources(await read(notebook))).toEqual(["first", "# x", "1 + 0", "new"]);
    const move = (id: string, position: number) =>
      user.put(`/api/notebooks/${notebook.id}/cells/${id}`, { position });
    await move(added.body.id, 2);
    expect(sources(await read(notebook))).toEqual(["# x", "1 + 0", "first", "new"]);
    await move(added.body.id, 99);
    await move(one.id, 0);
    expect(sources(await read(notebook))).toEqual(["1 + 0", "# x", "new", "first"]);
    await user.delete(`/api/notebooks/${notebook.id}/cells/${three.id}`);
    expect(sources(await read(notebook))).toEqual(["1 + 0", "new", "first"]);
    const positions = await query("select position from notebook_cells where notebook_id = $1 order by 1", [
      notebook.id,
    ]);
    expect(positions.map(({ position }) => position)).toEqual([0, 1, 2]);
    expect((await user.delete(`/api/notebooks/${notebook.id}/cells/${three.id}`)).status).toBe(404);
  });

  it("stays whole when twenty cells are put in at once", async () => {
    const notebook = await newNotebook([code("0")]);
    const add = (_: unknown, i: number) =>
      user.post(`/api/notebooks/${notebook.id}/cells`, { source: `${i}`, position: i % 3 });
    const answers = await Promise.all(Array.from({ length: 20 }, add));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const rows = await query("select position from notebook_cells where notebook_id = $1 order by 1", [
      notebook.id,
    ]);
    expect(rows.map(({ position }) => position)).toEqual(Array.from({ length: 21 }, (_, i) => i));
  });

  it("is there or not, and never a fault, when it is deleted while its cells are saved", async () => {
    const statuses = new Set<number>();
    for (let i = 0; i < 8; i++) {
      const notebook = await newNotebook([code("1")]);
      const cells = Array.from({ length: 300 }, (_, k) => code(String(k)));
      const saved = user.put(`/api/notebooks/${notebook.id}`, { cells });
      await new Promise((resolve) => setTimeout(resolve, i % 3));
      expect((await user.delete(`/api/notebooks/${notebook.id}`)).status).toBe(204);
      statuses.add((await saved).status);
    }
    expect([...statuses].filter((status) => status !== 200 && status !== 404)).toEqual([]);
  });

  it("has its fields changed and cleared, and bad ones refused", async () => {
    const notebook = await newNotebook([], { description: "d", model_id: randomUUID() });
    const put = (body: Record<string, unknown>) => user.put(`/api/notebooks/${notebook.id}`, body);
    expect((await put({ name: "m" })).body).toMatchObject({ name: "m", description: "d" });
    expect((await put({ description: null, model_id: null })).body).toMatchObject({
      description: null,
      model_id: null,
    });
    const twice = [
      { id: "a", source: "" },
      { id: "a", source: "" },
    ];
    for (const bad of [
      { name: "" },
      { cells: twice },
      { cells: [{ id: "a b", source: "" }] },
      { cells: [{ cell_type: "no", source: "" }] },
      { cells: [{ source: "\0" }] },
    ])
      expect((await put(bad)).status, JSON.stringify(bad)).toBe(422);
    expect(await read(notebook)).toMatchObject({ name: "m", cells: notebook.cells });
  });

  it("is listed by its last change, page by page", async () => {
    const owner = await newUser();
    const made = [];
    for (let i = 0; i < 3; i++) made.push(await newNotebook([], { name: `n${i}` }, owner));
    await owner.put(`/api/notebooks/${made[0].id}`, { name: "changed" });
    const first = await owner.get("/api/notebooks?limit=2");
    expect(first.body.map(({ name }: any) => name)).toEqual(["changed", "n2"]);
    expect(first.body[0]).toMatchObject({ cell_count: 2 });
    expect(first.body[0]).not.toHaveProperty("cells");
    const next = /<(.*?)>/.exec(first.headers.get("link") ?? "")![1]!;
    expect((await owner.get(next)).body.map(({ name }: any) => name)).toEqual(["n1"]);
  });

  it("is read by viewers of their own only, and run by none of them", async () => {
    const viewer = await newViewer();
    expect((await viewer.post("/api/notebooks", { name: "n" })).status).toBe(403);
    expect((await viewer.get("/api/notebooks")).body).toEqual([]);
    expect((await (await admin()).get(`/api/notebooks/${(await newNotebook()).id}`)).status).toBe(200);
  });
});

describe("running cells", () => {
  it("keeps variables from cell to cell, and tells text, results and errors apart", async () => {
    const notebook = await newNotebook([
      code("let total = 40; console.log('said')"),
      code("total += 2; total"),
      code("undefinedThing()"),
      code("display({'text/html': '<b>x</b>'})"),
    ]);
    expect((await execute(notebook, 0)).body).toMatchObject({
      kernel_started: true,
      execution_count: 1,
      outputs: [{ output_type: "stream", name: "stdout", text: "said\n" }],
    });
    const second = await execute(notebook, 1);
    expect(second.body).toMatchObject({
      kernel_started: false,
      status: "completed",
      outputs: [{ output_type: "execute_result", text: "42", execution_count: 1 }],
    });
    const failed = await execute(notebook, 2);
    expect(failed.status).toBe(200);
    expect(failed.body).toMatchObject({
      status: "error",
      outputs: [{ output_type: "error", error_name: "ReferenceError" }],
    });
    expect(failed.body.outputs[0].traceback.join("\n")).toContain("cell");
    expect((await execute(notebook, 3)).body.outputs).toMatchObject([
      { output_type: "display_data", data: { "text/html": "<b>x</b>" } },
    ]);
    const { cells } = await read(notebook);
    expect(cells.map((cell: any) => cell.status)).toEqual(["completed", "completed", "error", "completed"]);
    expect(cells[1].outputs).toEqual(second.body.outputs);
  });

  it("refuses what cannot be run", async () => {
    const notebook = await newNotebook([{ source: "# x", cell_type: "markdown" }, code("1")]);
    expect((await execute(notebook, 0)).body).toMatchObject({ code: "CELL_NOT_CODE" });
    expect((await user.post(`/api/notebooks/${notebook.id}/cells/nothing/execute`, {})).body.code).toBe(
      "CELL_NOT_FOUND",
    );
    expect((await execute(notebook, 1, 5)).status).toBe(422);
  });

  it("cuts off output that does not end, and keeps the cell", async () => {
    const notebook = await newNotebook([
      code("for (let i = 0; i < 3000; i++) console.log('x'.repeat(1000))"),
      code("'y'.repeat(5)"),
    ]);
    const { body } = await execute(notebook, 0);
    expect(body.status).toBe("completed");
    expect(JSON.stringify(body.outputs).length).toBeLessThan(1_010_000);
    expect(body.outputs.map((output: any) => output.error_name ?? output.name)).toEqual(["stdout", "stderr"]);
    expect(body.outputs[1].text).toContain("cut off");
    expect((await execute(notebook, 1)).body.outputs).toMatchObject([{ text: "yyyyy" }]);
  });

  it("runs one at a time, shows the queue, and a cell only once", async () => {
    const wait = "await new Promise((r) => setTimeout(r, 700)); Date.now()";
    const notebook = await newNotebook([code(wait), code("Date.now()")]);
    const first = execute(notebook, 0);
    await until(
      () => user.get(`/api/notebooks/${notebook.id}/kernel`),
      ({ body }) => body.running === notebook.cells[0].id,
    );
    const second = execute(notebook, 1);
    const { body } = await until(
      () => user.get(`/api/notebooks/${notebook.id}/kernel`),
      ({ body }) => body.queue.length === 1,
    );
    expect(body).toEqual({
      kernel: "busy",
      implementation: "quickjs",
      running: notebook.cells[0].id,
      queue: [notebook.cells[1].id],
    });
    expect(await execute(notebook, 1)).toMatchObject({ status: 409, body: { code: "CELL_BUSY" } });
    const [a, b] = await Promise.all([first, second]);
    expect(Number(b.body.outputs[0].text)).toBeGreaterThanOrEqual(Number(a.body.outputs[0].text));
  });

  it("interrupts an endless loop within two seconds, and keeps what was defined", async () => {
    const notebook = await newNotebook([code("let kept = 7"), code("for (;;) {}"), code("kept")]);
    await execute(notebook, 0);
    const loop = execute(notebook, 1);
    await until(
      () => user.get(`/api/notebooks/${notebook.id}/kernel`),
      ({ body }) => body.kernel === "busy",
    );
    const before = Date.now();
    expect((await user.post(`/api/notebooks/${notebook.id}/stop`)).status).toBe(200);
    expect(Date.now() - before).toBeLessThan(2000);
    expect((await loop).body).toMatchObject({ status: "error", outputs: [{ error_name: "Interrupted" }] });
    expect((await execute(notebook, 2)).body).toMatchObject({
      kernel_started: false,
      outputs: [{ text: "7" }],
    });
  });

  it.each([
    ["is suspended", (path: string, by: User) => by.post(`${path}/suspend`, {})],
    ["may run nothing any more", (path: string, by: User) => by.put(path, { role: "viewer" })],
    ["is deleted", (path: string, by: User) => by.delete(`${path}?transfer_to=${user.id}`)],
  ])("ends soon, with what waits behind it, when whoever has it run %s", async (_, shutOut) => {
    const [owner, by] = await Promise.all([newUser(), admin()]);
    const notebook = await newNotebook([code("for (;;) {}"), code("1")], {}, owner);
    const path = `/api/notebooks/${notebook.id}`;
    const run = (i: number) =>
      owner.post(`${path}/cells/${notebook.cells[i].id}/execute`, { timeout_ms: 600_000 });
    const loop = run(0);
    await until(
      () => by.get(`${path}/kernel`),
      ({ body }) => body.kernel === "busy",
    );
    const behind = run(1);
    await until(
      () => by.get(`${path}/kernel`),
      ({ body }) => body.queue.length === 1,
    );
    expect((await shutOut(`/api/admin/users/${owner.id}`, by)).status).toBeLessThan(300);
    expect((await loop).body).toMatchObject({ status: "error", outputs: [{ error_name: "Interrupted" }] });
    expect(await behind).toMatchObject({ status: 409, body: { code: "EXECUTION_CANCELLED" } });
    await until(
      () => by.get(`${path}/kernel`),
      ({ body }) => body.kernel === "none",
    );
  });

  it("runs all to the end, or to the first that fails", async () => {
    const good = await newNotebook([
      code("let a = 1"),
      { source: "# x", cell_type: "markdown" },
      code("a + 1"),
    ]);
    const started = await user.post(`/api/notebooks/${good.id}/start`);
    expect(started).toMatchObject({
      status: 200,
      body: { status: expect.stringMatching(/running|completed/) },
    });
    const done = await until(
      () => read(good),
      ({ status }) => status !== "running",
    );
    expect(done).toMatchObject({
      status: "completed",
      cells: [{ status: "completed" }, { status: "idle" }, { outputs: [{ text: "2" }] }],
    });
    const bad = await newNotebook([code("1"), code("throw new Error('no')"), code("3")]);
    await user.post(`/api/notebooks/${bad.id}/start`);
    const failed = await until(
      () => read(bad),
      ({ status }) => status !== "running",
    );
    expect(failed).toMatchObject({
      status: "failed",
      cells: [{ status: "completed" }, { status: "error" }, { status: "idle" }],
    });
  });

  it("gives each cell the time it is told to when all are run, and refuses what is no time", async () => {
    const notebook = await newNotebook([code("for (;;) {}"), code("2")]);
    const path = `/api/notebooks/${notebook.id}`;
    expect((await user.post(`${path}/start`, { timeout_ms: 1 })).status).toBe(422);
    expect((await user.post(`${path}/start`, { timeout_ms: 300 })).status).toBe(200);
    const done = await until(
      () => read(notebook),
      ({ status }) => status !== "running",
    );
    expect(done).toMatchObject({ status: "failed", cells: [{ outputs: [{ error_name: "Timeout" }] }, {}] });
    expect((await user.post(`${path}/start`, {})).status).toBe(200);
    expect((await user.post(`${path}/stop`)).body.status).toBe("stopped");
  });

  it("refuses a second start, and stop ends them all", async () => {
    const notebook = await newNotebook([code("for(;;){}"), code("2")]);
    await user.post(`/api/notebooks/${notebook.id}/start`);
    expect(await user.post(`/api/notebooks/${notebook.id}/start`)).toMatchObject({
      status: 409,
      body: { code: "NOTEBOOK_RUNNING" },
    });
    const stopped = await user.post(`/api/notebooks/${notebook.id}/stop`);
    expect(stopped.body).toMatchObject({
      status: "stopped",
      cells: [{ status: "error" }, { status: "idle" }],
    });
    expect((await user.post(`/api/notebooks/${notebook.id}/stop`)).body).toMatchObject({ status: "stopped" });
  });

  it("is stopped also by a stop that comes while it starts, and runs no cell twice", async () => {
    const slow = "await new Promise((r) => setTimeout(r, 1500)); 1";
    for (let round = 0; round < 5; round++) {
      const notebook = await newNotebook([code(slow), code(slow)]);
      const address = `/api/notebooks/${notebook.id}`;
      const started = user.post(`${address}/start`);
      const one = execute(notebook, 1);
      const watched = user.get(`${address}/kernel`);
      await Promise.all([started, watched]);
      expect(await read(notebook)).toMatchObject({ status: "running" });
      await user.post(`${address}/stop`);
      await one;
      const { cells, status } = await read(notebook);
      expect(status).toBe("stopped");
      expect(cells.map((cell: any) => cell.execution_count ?? 0).every((n: number) => n <= 1)).toBe(true);
    }
  }, 30_000);

  it("restarts the kernel with nothing in it", async () => {
    const notebook = await newNotebook([code("globalThis.a = 1"), code("typeof a")]);
    await execute(notebook, 0);
    expect((await user.post(`/api/notebooks/${notebook.id}/restart`)).body).toEqual({
      kernel: "none",
      implementation: null,
      running: null,
      queue: [],
    });
    expect((await execute(notebook, 1)).body).toMatchObject({
      kernel_started: true,
      outputs: [{ text: "undefined" }],
    });
  });

  it("says when a cell has taken the kernel with it", async () => {
    const notebook = await newNotebook([code("JSON.parse('['.repeat(100000))"), code("1")]);
    expect((await execute(notebook, 0)).body.outputs.at(-1)).toMatchObject({ error_name: "KernelDied" });
    expect((await execute(notebook, 1)).body).toMatchObject({ status: "completed", kernel_started: true });
  });

  it("leaves the address of a deleted notebook empty, whatever ran", async () => {
    const notebook = await newNotebook([code("for(;;){}")]);
    const loop = execute(notebook, 0);
    await until(
      () => user.get(`/api/notebooks/${notebook.id}/kernel`),
      ({ body }) => body.kernel === "busy",
    );
    expect((await user.delete(`/api/notebooks/${notebook.id}`)).status).toBe(204);
    expect((await user.get(`/api/notebooks/${notebook.id}`)).status).toBe(404);
    expect((await loop).status).toBeLessThan(500);
  });

  it("lets an execution that died with the platform be seen to have", async () => {
    const notebook = await newNotebook([code("1")]);
    await execute(notebook, 0);
    // As a crash leaves them: the row says that it runs, and nobody runs it.
    await query("update notebook_cells set status = 'running' where notebook_id = $1", [notebook.id]);
    expect((await execute(notebook, 0)).body).toMatchObject({ status: "completed" });
  });
});

describe("the stream", () => {
  const stream = (id: string, query = "") => `/api/notebooks/${id}/stream${query}`;
  const open = (id: string, query = "") =>
    Watcher.open(inject("url"), stream(id, query), { token: user.accessToken });

  it("tells outputs as they come, in order, and again to who was away", async () => {
    const notebook = await newNotebook([
      code("console.log('a'); await new Promise((r) => setTimeout(r, 300)); console.log('b'); 5"),
    ]);
    const watcher = await open(notebook.id);
    const running = execute(notebook, 0);
    await watcher.until(({ frames }) =>
      frames.some(({ type, data }) => type === "output" && data.output.text === "a\n"),
    );
    expect(watcher.frames.some(({ type }) => type === "cell_finished")).toBe(false);
    await running;
    await watcher.until(({ frames }) => frames.some(({ type }) => type === "cell_finished"));
    expect(watcher.frames[0]).toMatchObject({
      type: "hello",
      data: { notebook_id: notebook.id, kernel: "none", queue: [] },
    });
    const texts = watcher.frames
      .filter(({ type }) => type === "output")
      .map(({ data }) => data.output.text ?? data.output.data["text/plain"]);
    expect(texts).toEqual(["a\n", "b\n", "5"]);
    const seqs = watcher.frames.map(({ seq }) => seq);
    expect(seqs.toSorted((a, b) => a - b)).toEqual(seqs);
    const again = await open(notebook.id, "?since=0");
    await again.until(({ frames }) => frames.some(({ type }) => type === "cell_finished"));
    expect(again.frames.slice(1).map(({ type }) => type)).toEqual(
      expect.arrayContaining(["cell_started", "output", "cell_finished", "kernel"]),
    );
    watcher.close();
    again.close();
  });

  it("is for those who may read the notebook, with a ticket that is good once", async () => {
    const notebook = await newNotebook();
    const other = await newUser();
    await expect(
      Watcher.open(inject("url"), stream(notebook.id), { token: other.accessToken }),
    ).rejects.toThrow("404");
    await expect(Watcher.open(inject("url"), stream(notebook.id))).rejects.toThrow("401");
    await expect(
      Watcher.open(inject("url"), stream(notebook.id, `?token=${user.accessToken}`)),
    ).rejects.toThrow(/40[01]/);
    await expect(
      Watcher.open(inject("url"), stream(notebook.id), {
        token: user.accessToken,
        origin: "https://evil.example",
      }),
    ).rejects.toThrow("403");
    const { body } = await user.post(`/api/notebooks/${notebook.id}/stream-ticket`);
    const watcher = await Watcher.open(inject("url"), stream(notebook.id, `?ticket=${body.ticket}`));
    await watcher.until(({ frames }) => frames.length > 0);
    await expect(Watcher.open(inject("url"), stream(notebook.id, `?ticket=${body.ticket}`))).rejects.toThrow(
      "401",
    );
    watcher.close();
  });

  it("ends with the session, and with the notebook", async () => {
    const owner = await newUser();
    const notebook = await newNotebook([], {}, owner);
    const watch = () => Watcher.open(inject("url"), stream(notebook.id), { token: owner.accessToken });
    const watcher = await watch();
    await query("update sessions set ended_at = now() where user_id = $1", [owner.id]);
    await watcher.until(({ closed }) => closed !== undefined, 15_000);
    expect(watcher.closed).toMatchObject({ code: 1008 });
  });
});

describe("a stream whose session has ended", () => {
  it("is closed also while the notebook is kept busy", async () => {
    const [owner, other] = [await newUser(), await admin()];
    const notebook = await newNotebook([code("1")], {}, owner);
    const watcher = await Watcher.open(inject("url"), `/api/notebooks/${notebook.id}/stream`, {
      token: owner.accessToken,
    });
    await query("update sessions set ended_at = now() where user_id = $1", [owner.id]);
    const until = Date.now() + 12_000;
    while (watcher.closed === undefined && Date.now() < until) {
      await other.post(`/api/notebooks/${notebook.id}/cells/${notebook.cells[0].id}/execute`, {});
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(watcher.closed).toMatchObject({ code: 1008 });
  }, 30_000);
});

describe("the assistant", () => {
  const ask = (notebook: any, prompt: string, who: Client = user, rest = {}) =>
    who.post(`/api/notebooks/${notebook.id}/ai-assist`, { prompt, ...rest });

  it("parts code from words, and claims no confidence", async () => {
    const notebook = await newNotebook();
    expect(await ask(notebook, "sum them")).toMatchObject({
      status: 200,
      body: {
        suggestion: expect.stringMatching(/^let asked = \d+;$/),
        explanation: "Here it is.\n\n\nDone.",
        confidence: null,
        tokens_generated: 12,
        model: "qwen2.5-coder:7b",
      },
    });
    expect((await read(notebook)).cells).toEqual(notebook.cells);
  });

  it.each([
    ["no model", 502, "ASSISTANT_MODEL_MISSING"],
    ["broken", 502, "ASSISTANT_FAILED"],
    ["busy", 503, "ASSISTANT_UNAVAILABLE"],
    ["silent", 503, "ASSISTANT_TIMEOUT"],
    ["half an answer", 503, "ASSISTANT_TIMEOUT"],
    ["garbage", 502, "ASSISTANT_REPLY_UNREADABLE"],
    ["another shape", 502, "ASSISTANT_REPLY_UNREADABLE"],
    ["endless", 502, "ASSISTANT_REPLY_TOO_LONG"],
    ["away", 503, "ASSISTANT_UNAVAILABLE"],
  ])("says so when its server is: %s", async (way, status, code) => {
    const answer = await ask(await newNotebook(), `[${way}]`);
    expect(answer).toMatchObject({ status, body: { code } });
  });

  it("is for the owner alone, administrators included, whether or not it is there", async () => {
    const notebook = await newNotebook();
    for (const who of [await newUser(), await admin()])
      expect((await ask(notebook, "[away]", who)).status).toBe(404);
    expect((await user.post(`/api/notebooks/${randomUUID()}/ai-assist`, { prompt: "x" })).status).toBe(404);
    expect((await ask(notebook, " ")).status).toBe(422);
  });
});

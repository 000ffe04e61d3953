import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { AgentProgram, pythonTraining } from "./support/agent-program.ts";
import { type Answer, Client, newUser, query, until, type User } from "./support/client.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-command-"));
let user: User;
let agent: AgentProgram;
beforeAll(async () => {
  user = await newUser();
  agent = await AgentProgram.of(user, ["--allow-command", "--concurrency", "3", "--max-output-mb", "1"]);
});
afterAll(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true });
});

const someFile = () => join(folder, randomUUID());

/** Queues a command for this file's own agent. */
async function submit(
  command: Record<string, unknown>,
  extra: Record<string, unknown> = {},
): Promise<string> {
  const run = {
    name: "command",
    model_type: "linear",
    kind: "command",
    command,
    labels: [agent.label],
    ...extra,
  };
  const { status, body } = await user.post("/api/training/runs", run);
  if (status !== 201) throw new Error(`run: ${status} ${JSON.stringify(body)}`);
  return body.id;
}

const python = (script: string, extra: Record<string, unknown> = {}) => submit({ script }, extra);
const sh = (script: string, extra: Record<string, unknown> = {}) =>
  submit({ script, interpreter: "bash", env: { HERE: folder } }, extra);
const runOf = async (id: string) => (await user.get(`/api/training/runs/${id}`)).body;
const stepsOf = async (id: string): Promise<number[]> =>
  (await user.get(`/api/training/runs/${id}/metrics`)).body.map(({ step }: any) => step);
const logsOf = async (id: string): Promise<{ level: string; message: string }[]> =>
  (await user.get(`/api/training/runs/${id}/logs?limit=10000`)).body.logs;
const textOf = async (id: string) => (await logsOf(id)).map(({ message }) => message).join("\n");

const ended = (id: string, withinMs = 25_000) =>
  until(
    () => runOf(id),
    ({ status }) => ["completed", "failed", "stopped"].includes(status),
    { withinMs },
  );
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Live processes whose environment or arguments name the run. */
const processesOf = (pid: string): string =>
  execFileSync("ps", ["-eo", "pid,stat"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => new RegExp(`^\\s*${pid}\\s+[^Z]`).test(line))
    .join();

describe("a Python script without any library", () => {
  it("trains on an agent and logs 1,000 points by descriptor 3", async () => {
    const id = await python(pythonTraining(1_000, 0));
    expect(await ended(id)).toMatchObject({ status: "completed", kind: "command", attempt: 1 });
    const points = (await user.get(`/api/training/runs/${id}/metrics`)).body;
    expect(points.map(({ step }: any) => step)).toEqual(upTo(1_000));
    expect(points.at(-1)).toMatchObject({ epoch: 9, custom: { weight: expect.closeTo(3, 6) } });
    expect(points.at(-1).loss).toBeLessThan(1e-15);
    expect((await logsOf(id)).at(-1)).toMatchObject({ level: "WARNING", message: "trained" });
  });

  it("does what the README promises of its example", async () => {
    const [, example] = /<<'END'\n(.*)\nEND/.exec(readFileSync("README.md", "utf8"))!;
    const { command, ...rest } = JSON.parse(example!);
    const id = await submit(command, rest);
    expect(await ended(id)).toMatchObject({ status: "completed", name: "mine" });
    expect(await stepsOf(id)).toEqual(upTo(100));
    expect((await user.get(`/api/training/runs/${id}/artifacts/notes.txt`)).body).toBe("done");
  });

  it("is stopped halfway: its process is gone, and what it logged stays", async () => {
    const id = await python(pythonTraining(1_000, 0.01));
    await until(
      () => stepsOf(id),
      (steps) => steps.length > 100,
    );
    const pid = /pid (\d+)/.exec(await textOf(id))![1]!;
    expect(processesOf(pid)).not.toBe("");
    expect((await user.post(`/api/training/runs/${id}/stop`)).body.status).toBe("stopped");
    await until(
      async () => processesOf(pid),
      (left) => left === "",
    );
    const steps = await stepsOf(id);
    expect(steps).toEqual(upTo(steps.length));
    expect(steps.length).toBeLessThan(1_000);
    expect((await runOf(id)).status).toBe("stopped");
  });

  it("that is stopped keeps what it leaves on SIGTERM", async () => {
    const saving = [
      "import os, signal, sys, time",
      "def save(*_):",
      "    open(os.path.join(os.environ['MYELIN_OUTPUT_DIR'], 'last.ckpt'), 'w').write('weights')",
      "    sys.exit(0)",
      "signal.signal(signal.SIGTERM, save)",
      "print('ready', flush=True)",
      "time.sleep(600)",
    ].join("\n");
    const id = await python(saving);
    await until(
      () => textOf(id),
      (text) => text.includes("ready"),
    );
    expect((await user.post(`/api/training/runs/${id}/stop`)).body.status).toBe("stopped");
    const { body } = await until(
      () => user.get(`/api/training/runs/${id}/artifacts/last.ckpt`),
      ({ status }) => status === 200,
    );
    expect([body, (await runOf(id)).status]).toEqual(["weights", "stopped"]);
  });

  it("that ignores SIGTERM is killed after the grace", async () => {
    const id = await python(
      pythonTraining(100_000, 0.01, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"),
    );
    await until(
      () => stepsOf(id),
      (steps) => steps.length > 5,
    );
    const pid = /pid (\d+)/.exec(await textOf(id))![1]!;
    await user.post(`/api/training/runs/${id}/stop`);
    await until(
      async () => processesOf(pid),
      (left) => left === "",
    );
  });
});

describe("what a job is given", () => {
  it("its run under two names, its files, its output folder, and none of the agent's secrets", async () => {
    const dataset = (await user.post("/api/builtin-datasets/iris/prepare")).body.id;
    const id = await submit({
      argv: [
        "bash",
        "-c",
        'env; head -1 in/iris.csv; pwd; test -d "$MYELIN_OUTPUT_DIR" && echo "arg $0 $1"',
        "a b",
        "$HOME",
      ],
      files: [{ dataset_id: dataset, as: "in/iris.csv" }],
      env: { MINE: "yes" },
    });
    expect(await ended(id)).toMatchObject({ status: "completed" });
    const text = await textOf(id);
    for (const line of [
      `MYELIN_URL=${inject("url")}`,
      `MYELIN_RUN_ID=${id}`,
      "MYELIN_METRICS_FD=3",
      `MLFLOW_TRACKING_URI=${inject("url")}`,
      `MLFLOW_RUN_ID=${id}`,
      "MINE=yes",
      "sepal_length,sepal_width,petal_length,petal_width,species",
      "arg a b $HOME",
    ])
      expect(text).toContain(line);
    const [, token] = /MYELIN_RUN_TOKEN=(rt_\S+)/.exec(text)!;
    expect(text).toContain(`MLFLOW_TRACKING_TOKEN=${token}`);
    expect(text).not.toContain(agent.token);
    expect(text).not.toContain("of-the-agent");
  });

  it("and the agent's command line does not show its token", () => {
    const listing = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    expect(listing).not.toContain(agent.token);
  });
});

it.runIf(process.getuid?.() === 0)("runs as another user where the agent was told to", async () => {
  const nobody = await AgentProgram.of(user, ["--allow-command", "--user", "nobody"]);
  try {
    // Folders made for a test are closed to others.
    chmodSync(nobody.directory, 0o711);
    const script = `id -un; cat /proc/$PPID/environ || echo closed; cat in/data.csv | head -1; echo x > "$MYELIN_OUTPUT_DIR/mine"`;
    const dataset = (await user.post("/api/builtin-datasets/iris/prepare")).body.id;
    const files = [{ dataset_id: dataset, as: "in/data.csv" }];
    const id = await submit({ script, interpreter: "bash", files }, { labels: [nobody.label] });
    expect(await ended(id)).toMatchObject({ status: "completed" });
    const messages = (await logsOf(id)).filter(({ level }) => level === "INFO").map(({ message }) => message);
    expect(messages).toEqual(["nobody", "closed", expect.stringContaining("sepal_length")]);
    expect((await user.get(`/api/training/runs/${id}/artifacts`)).body).toMatchObject([{ path: "mine" }]);
  } finally {
    await nobody.stop();
  }
});

/** A file system of a megabyte, for whoever may make one. */
function mountSmall(path: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", path], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

it("a full disk below the agent ends the run with that reason", async ({ skip }) => {
  const small = await AgentProgram.of(user);
  if (!mountSmall(small.directory)) {
    await small.stop();
    return skip("file systems cannot be mounted here");
  }
  try {
    const script = "yes 'a line that takes some room in the spool' | head -c 2000000; sleep 60";
    const id = await submit({ script, interpreter: "bash" }, { labels: [small.label] });
    expect(await ended(id)).toMatchObject({
      status: "failed",
      error_message: expect.stringContaining("ENOSPC"),
    });
    const next = await submit({ argv: ["echo", "on"] }, { labels: [small.label] });
    expect(await ended(next)).toMatchObject({ status: "completed" });
  } finally {
    execFileSync("umount", ["-l", small.directory]);
    await small.stop();
  }
});

describe("a run's token", () => {
  it("writes to its run, to nothing else, and dies with the attempt", async () => {
    const [here, done] = [someFile(), someFile()];
    const id = await sh(
      `echo -n "$MYELIN_RUN_TOKEN" > ${here}.new; mv ${here}.new ${here}; while [ ! -e ${done} ]; do sleep 0.05; done`,
    );
    await until(
      async () => existsSync(here),
      (isThere) => isThere,
    );
    const process = new Client(inject("url"), { authorization: `Bearer ${readFileSync(here, "utf8")}` });
    const other = await python(pythonTraining(1_000, 0.05));
    const at = (run: string) => `/api/training/runs/${run}`;
    const octets = { headers: { "content-type": "application/octet-stream" } };
    const put = (run: string) =>
      process.put(`${at(run)}/artifacts/a%2Fb.txt`, new Uint8Array([1, 2, 3]), octets);

    expect((await process.post(`${at(id)}/metrics`, { epoch: 0, step: 5, loss: 1 })).status).toBe(201);
    expect((await process.post(`${at(id)}/logs`, { message: "by HTTP" })).status).toBe(201);
    expect((await put(id)).body).toMatchObject({ path: "a/b.txt", file_size: 3 });
    expect(await stepsOf(id)).toEqual([5]);

    for (const [method, path, body] of [
      ["POST", `${at(other)}/metrics`, { epoch: 0, step: 0 }],
      ["POST", `${at(other)}/logs`, { message: "x" }],
    ] as const)
      expect((await process.call(method, path, body)).status).toBe(404);
    expect((await put(other)).status).toBe(404);
    for (const [method, path, body] of [
      ["GET", at(id), undefined],
      ["POST", `${at(id)}/stop`, undefined],
      ["DELETE", at(id), undefined],
      ["GET", `${at(id)}/artifacts`, undefined],
      ["POST", `${at(id)}/register`, { path: "a.onnx" }],
      ["POST", "/api/training/leases", { capabilities: ["train"], version: "0", holding: [] }],
      ["GET", "/api/auth/me", undefined],
      [
        "POST",
        "/api/training/runs",
        { name: "x", model_type: "x", kind: "command", command: { argv: ["ls"] } },
      ],
    ] as const)
      expect([path, (await process.call(method, path, body)).status]).toEqual([path, 401]);

    await user.post(`${at(other)}/stop`);
    execFileSync("touch", [done]);
    await ended(id);
    expect((await put(id)).status).toBe(401);
    expect((await process.post(`${at(id)}/metrics`, { epoch: 0, step: 6 })).status).toBeGreaterThanOrEqual(
      401,
    );
    expect(await stepsOf(id)).toEqual([5]);
    expect(await query("select token_hash from runs where id = $1", [id])).toEqual([{ token_hash: null }]);
  });
});

describe("attempts", () => {
  it("an agent killed with -9 delivers what its process said, once, and the run is tried again", async () => {
    const marker = someFile();
    const id = await python(
      pythonTraining(200, 0.01).replace(
        "    time.sleep",
        `    if step == 100 and not os.path.exists(${JSON.stringify(marker)}):
        open(${JSON.stringify(marker)}, "w").close()
        time.sleep(600)
    time.sleep`,
      ),
      { max_retries: 1 },
    );
    await until(
      async () => existsSync(marker),
      (isThere) => isThere,
    );
    const pid = await until(
      async () => /pid (\d+)/.exec(await textOf(id))?.[1],
      (found) => found !== undefined,
    );
    await agent.restartHard();
    await until(
      async () => processesOf(pid!),
      (left) => left === "",
    );
    expect(await ended(id)).toMatchObject({ status: "completed", attempt: 2 });
    const points = (await user.get(`/api/training/runs/${id}/metrics`)).body;
    const inOrder = points.toSorted((a: any, b: any) => a.seq - b.seq).map(({ step }: any) => step);
    expect(inOrder).toEqual([...upTo(101), ...upTo(200)]);
    const messages = (await logsOf(id)).map(({ message }) => message);
    expect(messages).toEqual([
      expect.stringMatching(/^pid/),
      "attempt 2 of 2",
      expect.stringMatching(/^pid/),
      "trained",
    ]);
  });

  it("a failure is tried again after a pause, and the last one's reason is told", async () => {
    const id = await sh("echo attempt >> $HERE/$MYELIN_RUN_ID; echo broken >&2; exit 3", { max_retries: 1 });
    const waiting = await until(
      () => runOf(id),
      ({ attempt }) => attempt === 2,
    );
    expect(waiting).toMatchObject({ status: "pending", error_message: "broken" });
    expect(Date.parse(waiting.not_before)).toBeGreaterThan(Date.now());
    const [queued] = (await user.get("/api/training/queue")).body;
    expect(queued).toMatchObject({ run_id: id, reason: "backing_off", attempt: 2 });
    expect(await ended(id)).toMatchObject({ status: "failed", attempt: 2, error_message: "broken" });
    expect(readFileSync(join(folder, id), "utf8")).toBe("attempt\nattempt\n");
  });

  it("what cannot be started is not tried again", async () => {
    const id = await submit({ argv: ["/no/such/program"] }, { max_retries: 5 });
    expect(await ended(id)).toMatchObject({
      status: "failed",
      attempt: 1,
      error_message: expect.stringContaining("ENOENT"),
    });
  });

  it("one that takes too long is ended", async () => {
    const id = await sh("sleep 600", { timeout_seconds: 1 });
    expect(await ended(id)).toMatchObject({
      status: "failed",
      error_message: expect.stringContaining("longer than 1 s"),
    });
  });

  it("a lease that runs out is a failed attempt too", async () => {
    const id = await sh("sleep 600", { max_retries: 1 });
    await until(
      () => runOf(id),
      ({ status }) => status === "running",
    );
    await query("update runs set agent_id = null, lease_expires_at = now() where id = $1", [id]);
    const again = await until(
      () => runOf(id),
      ({ attempt }) => attempt === 2,
    );
    expect(again.error_message).toMatch(/not heard of/);
    await user.post(`/api/training/runs/${id}/stop`);
  });
});

describe("what a job says", () => {
  it("a flood is cut off with a marker, and the job goes on", async () => {
    const id = await sh('yes "a line of the flood" | head -c 50000000; echo \'{"step":1,"loss":1}\' >&3');
    expect(await ended(id)).toMatchObject({ status: "completed" });
    const logs: any[] = [];
    let next: string | undefined = `/api/training/runs/${id}/logs?limit=10000`;
    while (next) {
      const page: Answer = await user.get(next);
      logs.push(...page.body.logs);
      next = /<([^>]+)>/.exec(page.headers.get("link") ?? "")?.[1];
    }
    expect(logs.at(-1)).toMatchObject({
      level: "WARN",
      message: "output truncated: more than 1048576 bytes",
    });
    expect(logs.reduce((sum, { message }) => sum + message.length + 1, 0)).toBeLessThan(1_048_576 + 100);
    expect(await stepsOf(id)).toEqual([1]);
  });

  it("malformed metric lines are told, not too often, and end nothing", async () => {
    const id = await sh(
      'for i in $(seq 500); do echo "garbage $i" >&3; done; printf "\\377\\000\\n" >&3; echo \'{"step":7,"loss":NaN,"f1":0.5}\' >&3',
    );
    expect(await ended(id)).toMatchObject({ status: "completed" });
    const [point] = (await user.get(`/api/training/runs/${id}/metrics`)).body;
    expect(point).toMatchObject({ step: 7, loss: "NaN", custom: { f1: 0.5 } });
    const warnings = (await logsOf(id)).filter(({ level }) => level === "WARN");
    expect(warnings[0]!.message).toContain("garbage 1");
    expect(warnings.length).toBeGreaterThan(10);
    expect(warnings.length).toBeLessThan(100);
    expect(warnings.at(-1)!.message).toMatch(/more warnings like these were left out/);
  });
});

/** A model the built-in trainer made, as bytes. */
async function trainedModel(): Promise<Buffer> {
  const job = join(folder, "job.json");
  const data = "src/features/datasets/catalog/iris.csv";
  const config = { epochs: 1, batch_size: 32, learning_rate: 0.01, optimizer: "adam", hidden: [], seed: 1 };
  writeFileSync(job, JSON.stringify({ data, output: folder, config }));
  execFileSync(process.execPath, ["trainer/main.ts", job]);
  return readFileSync(join(folder, "model.onnx"));
}

describe("what a job leaves", () => {
  it("that cannot be named costs a warning: the run is completed and the rest is kept", async () => {
    const id = await python(`import os
out = os.environ["MYELIN_OUTPUT_DIR"].encode()
open(out + b"/caf\\xe9", "w").write("1")
open(out + b"/kept", "w").write("2")
print("said")`);
    expect(await ended(id)).toMatchObject({ status: "completed" });
    expect((await user.get(`/api/training/runs/${id}/artifacts`)).body).toMatchObject([{ path: "kept" }]);
    const text = await textOf(id);
    expect(text).toContain("said");
    expect(text).toContain("no UTF-8");
    expect(text).not.toContain(agent.directory);
  });

  it("becomes artifacts, and a model version where that was asked for", async () => {
    const model = await trainedModel();
    const id = await sh(
      `cd "$MYELIN_OUTPUT_DIR"; mkdir -p plots/deep; echo one > plots/deep/a.txt; : > empty; ln -s /etc/passwd link
       echo ${model.toString("base64")} | base64 -d > model.onnx`,
      { register: "model.onnx", model_name: `registered-${randomUUID()}` },
    );
    const { registered_version: version, ...run } = await ended(id);
    expect(run).toMatchObject({ status: "completed", register: "model.onnx" });
    const artifacts = (await user.get(`/api/training/runs/${id}/artifacts`)).body;
    expect(artifacts.map(({ path, file_size }: any) => [path, file_size])).toEqual([
      ["empty", 0],
      ["model.onnx", model.length],
      ["plots/deep/a.txt", 4],
    ]);
    expect(await textOf(id)).toContain("link is not a plain file and was left out");
    const { body } = await user.get(`/api/models/${version.model_id}/versions/1`);
    expect(body).toMatchObject({ training_run_id: id, sha256: artifacts[1].sha256 });
    const deployed = await user.post(`/api/models/${version.model_id}/versions/1/deploy`, {
      name: `e-${version.model_id}`,
      start: true,
    });
    expect(deployed.body.status).toBe("running");
  });

  it("also of one that failed; and without the file to register a run fails", async () => {
    const failed = await sh('echo kept > "$MYELIN_OUTPUT_DIR/log.txt"; exit 1');
    expect((await ended(failed)).status).toBe("failed");
    expect((await user.get(`/api/training/runs/${failed}/artifacts`)).body).toMatchObject([
      { path: "log.txt" },
    ]);
    const lacking = await sh("true", { register: "model.onnx" });
    expect(await ended(lacking)).toMatchObject({
      status: "failed",
      error_message: expect.stringContaining("left no model.onnx"),
    });
  });
});

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it as vitestIt } from "vitest";
import { findPython } from "#test/pythons";
import type { ExecutionEnd, KernelEvent } from "../../src/kernel/ports/kernels.ts";
import { PythonKernel, type PythonOptions } from "./python-kernel.ts";

const drivers = [
  { driver: "plain", python: findPython(), withFigures: findPython("matplotlib") },
  {
    driver: "jupyter",
    python: findPython("ipykernel", "jupyter_client"),
    withFigures: findPython("ipykernel", "jupyter_client", "matplotlib"),
  },
] as const;

let kernels: PythonKernel[];
let directory: string;
beforeEach(() => {
  kernels = [];
  directory = mkdtempSync(join(tmpdir(), "myelin-python-"));
});
afterEach(async () => {
  await Promise.all(kernels.map((kernel) => kernel.shutdown()));
  rmSync(directory, { recursive: true, force: true });
});

function startKernel(options: PythonOptions): PythonKernel {
  const kernel = new PythonKernel({ directory, ...options });
  kernels.push(kernel);
  return kernel;
}

let count = 0;
async function run(kernel: PythonKernel, source: string, timeoutMs = 20_000) {
  const events: KernelEvent[] = [];
  const end: ExecutionEnd = await kernel.execute({ cellId: `c${++count}`, source, timeoutMs }, (event) =>
    events.push(event),
  );
  return { end, events };
}

const textOf = ({ events }: { events: KernelEvent[] }, name = "stdout") =>
  events.map((event) => (event.type === "stream" && event.name === name ? event.text : "")).join("");
const resultOf = ({ events }: { events: KernelEvent[] }) =>
  events.find((event) => event.type === "result")?.data;
const errorOf = ({ events }: { events: KernelEvent[] }) => events.find((event) => event.type === "error");
const alive = (pid: number): boolean => {
  const state = spawnSync("ps", ["-o", "stat=", "-p", String(pid)])
    .stdout.toString()
    .trim();
  return state !== "" && !state.startsWith("Z");
};
async function until(done: () => boolean, withinMs = 5000) {
  for (const deadline = Date.now() + withinMs; !done();) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe.each(drivers)("a Python kernel ($driver)", ({ driver, python, withFigures }) => {
  const it = vitestIt.skipIf(!python);
  const start = (options: PythonOptions = {}) => startKernel({ driver, python: python!, ...options });

  it("keeps what cells define, and shows their last expression", async () => {
    const kernel = start();
    expect((await run(kernel, "import math\nx = 40\ndef f(): return x + 2")).end).toEqual({ status: "ok" });
    const second = await run(kernel, "print('said')\nf()");
    expect(second.end).toEqual({ status: "ok" });
    // A line may come in pieces; the result comes after all that was printed.
    expect(textOf(second)).toBe("said\n");
    expect(second.events.at(-1)).toEqual({ type: "result", data: { "text/plain": "42" }, metadata: {} });
    expect((await run(kernel, "f();")).events).toEqual([]);
    expect(resultOf(await run(kernel, "import asyncio\nawait asyncio.sleep(0.01, 'slept')"))).toEqual({
      "text/plain": "'slept'",
    });
    expect(resultOf(await run(kernel, "__name__, _"))).toEqual({ "text/plain": "('__main__', 'slept')" });
  });

  it("tells stdout and stderr as they are written, of children too", async () => {
    const said: string[] = [];
    const source =
      "import sys, os, time\nprint('first', flush=True)\ntime.sleep(0.4)\nprint('bad', file=sys.stderr)\nos.system('echo child; echo worse >&2')\nos.write(1, b'raw\\n')";
    const events: KernelEvent[] = [];
    let saidEarly = false;
    const running = start().execute({ cellId: "c", source, timeoutMs: 20_000 }, (event) => {
      events.push(event);
      said.push(event.type);
    });
    await until(() => textOf({ events }) === "first\n");
    saidEarly = !said.includes("done");
    expect(await running).toEqual({ status: "ok" });
    expect(saidEarly).toBe(true);
    expect(textOf({ events })).toBe("first\nchild\nraw\n");
    expect(textOf({ events }, "stderr")).toBe("bad\nworse\n");
  });

  it("shows rich values, and bundles by display", async () => {
    const kernel = start();
    await run(
      kernel,
      "class R:\n  def __repr__(self): return 'R'\n  def _repr_html_(self): return '<b>R</b>'\n  def _repr_png_(self): return b'\\x89PNG'\nclass M:\n  def _repr_mimebundle_(self, **_): return {'application/json': {'a': [1]}, 'text/plain': 'm'}, {'k': 1}",
    );
    expect(resultOf(await run(kernel, "R()"))).toEqual({
      "text/plain": "R",
      "text/html": "<b>R</b>",
      "image/png": "iVBORw==",
    });
    // IPython shows a dict as one unless it is told that it is raw.
    const raw = driver === "plain" ? "" : ", raw=True";
    expect((await run(kernel, `display(M())\ndisplay({'text/html': 'x'}${raw})`)).events).toEqual([
      { type: "display", data: { "application/json": { a: [1] }, "text/plain": "m" }, metadata: { k: 1 } },
      { type: "display", data: { "text/html": "x" }, metadata: {} },
    ]);
  });

  vitestIt.skipIf(!withFigures)("shows figures as PNG", async () => {
    const kernel = start({ python: withFigures! });
    const { events } = await run(kernel, "import matplotlib.pyplot as plt\nplt.plot([1, 2]);", 60_000);
    const shown = events.find((event) => event.type === "display");
    expect(shown?.data["image/png"]).toMatch(/^iVBORw0KGgo/);
  });

  it("shows a bundle with numbers that JSON does not have, as text", async () => {
    const kernel = start();
    const made = `class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"application/json": {"a": [1.5, float("nan")], "b": float("-inf")}, "text/plain": "bundle"}
Bundle()`;
    const shown = await run(kernel, made);
    expect(shown.end).toEqual({ status: "ok" });
    expect(resultOf(shown)).toEqual({
      "text/plain": "bundle",
      "application/json": { a: [1.5, "nan"], b: "-inf" },
    });
  });

  it("says what went wrong in the cell's own frames, and lives on", async () => {
    const kernel = start();
    await run(kernel, "def g():\n  raise ValueError('no')");
    const failed = await run(kernel, "x = 1\ng()");
    expect(failed.end).toEqual({ status: "error" });
    const error = errorOf(failed);
    expect(error).toMatchObject({ name: "ValueError", value: "no" });
    const trace = error?.type === "error" ? error.traceback : [];
    expect(trace.at(-1)).toBe("ValueError: no");
    expect(trace.join("\n")).not.toContain("driver.py");
    expect(trace.join("\n")).not.toContain("\u001b");
    expect(errorOf(await run(kernel, "1 +"))).toMatchObject({ name: "SyntaxError" });
    expect(errorOf(await run(kernel, "import sys; sys.exit(3)"))).toMatchObject({
      name: "SystemExit",
      value: "3",
    });
    expect(errorOf(await run(kernel, "def r(n): return r(n + 1)\nr(0)"))).toMatchObject({
      name: "RecursionError",
    });
    expect(
      errorOf(await run(kernel, "class B(Exception):\n  def __str__(self): raise self\nraise B()")),
    ).toMatchObject({ name: driver === "plain" ? "B" : "Exception" });
    const question = driver === "plain" ? "EOFError" : "StdinNotImplementedError";
    expect(errorOf(await run(kernel, "input()"))).toMatchObject({ name: question });
    expect(resultOf(await run(kernel, "x"))).toEqual({ "text/plain": "1" });
  });

  it("is interrupted in an endless loop within two seconds, with children, and keeps what it had", async () => {
    const kernel = start();
    await run(kernel, "kept = 7");
    for (const source of [
      "while True: pass",
      "import time; time.sleep(600)",
      "import subprocess; subprocess.run(['sleep', '600'])",
    ]) {
      const running = run(kernel, `print('on')\n${source}`);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const before = Date.now();
      await kernel.interrupt();
      const ended = await running;
      expect(Date.now() - before).toBeLessThan(2000);
      expect(ended.end).toEqual({ status: "interrupted" });
      expect(errorOf(ended)).toMatchObject({ name: "KeyboardInterrupt" });
    }
    await kernel.interrupt();
    expect(resultOf(await run(kernel, "kept"))).toEqual({ "text/plain": "7" });
    expect((await run(kernel, "while True: pass", 300)).end).toEqual({ status: "timeout" });
  });

  it("that ignores the interrupt is killed, and says so", async () => {
    const kernel = start({ graceMs: 500 });
    const source =
      "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('deaf', flush=True)\nwhile True: pass";
    const isDeaf = Promise.withResolvers<void>();
    const stubborn = kernel.execute({ cellId: "deaf", source, timeoutMs: 20_000 }, () => isDeaf.resolve());
    await isDeaf.promise;
    await kernel.interrupt();
    expect(await stubborn).toEqual({
      status: "dead",
      reason: "The Python process was ended by SIGKILL.",
    });
    expect(kernel.alive).toBe(false);
    expect((await run(kernel, "1")).end.status).toBe("dead");
  });

  it("cuts giant output off, its own memory and ours flat, and is not stuck", async () => {
    const kernel = start();
    const before = process.memoryUsage().rss;
    const { end, events } = await run(kernel, "for _ in range(3000): print('x' * 20_000)");
    expect(end).toEqual({ status: "ok" });
    expect(JSON.stringify(events).length).toBeLessThan(2_200_000);
    expect(events.at(-1)).toMatchObject({ name: "stderr", text: expect.stringContaining("cut off") });
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
    const long = resultOf(await run(kernel, "'y' * 5_000_000"));
    expect(String(long?.["text/plain"]).length).toBeLessThan(1_000_100);
    expect(
      resultOf(
        await run(kernel, "import resource; resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 200_000"),
      ),
    ).toEqual({ "text/plain": "True" });
  });

  it("shows values and what is printed in the order of the cell", async () => {
    const source =
      "import os\nprint('a')\ndisplay(1)\nprint('b')\nos.system('echo c')\nprint('d')\ndisplay(2)\n3";
    const { events } = await run(start(), source);
    const told = events.map((event) =>
      event.type === "stream" ? event.text : `[${JSON.stringify("data" in event && event.data)}]`,
    );
    expect(told.join("").replaceAll("\n", "").replaceAll('"text/plain":', "")).toBe(
      'a[{"1"}]bcd[{"2"}][{"3"}]',
    );
  });

  it("does not wait for a child that writes on and on", async () => {
    const kernel = start();
    const { end } = await run(kernel, "import subprocess\nchild = subprocess.Popen(['yes'])", 5_000);
    expect(end).toEqual({ status: "ok" });
    expect((await run(kernel, "child.kill()")).end).toEqual({ status: "ok" });
  });

  it("passes bytes that are no text", async () => {
    const kernel = start();
    const garbage = await run(
      kernel,
      "import os\nos.write(1, bytes(range(256)))\nos.write(1, '€'.encode()[:1]); os.write(1, '€'.encode()[1:])\n'\\ud800'",
    );
    expect(garbage.end).toEqual({ status: "ok" });
    expect(textOf(garbage)).toContain("�");
    expect(textOf(garbage)).toMatch(/€$/);
  });

  it("takes a fork for the cell's own: it does not speak for the kernel", async () => {
    const kernel = start();
    const forked = await run(
      kernel,
      "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nelse: print('child', flush=True)\n'parent' if pid else 'child'",
    );
    expect(forked.end).toEqual({ status: "ok" });
    expect(forked.events.filter(({ type }) => type === "result")).toEqual([
      { type: "result", data: { "text/plain": "'parent'" }, metadata: {} },
    ]);
    expect(resultOf(await run(kernel, "2"))).toEqual({ "text/plain": "2" });
  });

  it("that ends itself takes its children along and says how", async () => {
    const kernel = start();
    const child = await run(
      kernel,
      "import subprocess\nchild = subprocess.Popen(['sleep', '600'])\nchild.pid",
    );
    const pid = Number(resultOf(child)?.["text/plain"]);
    expect(alive(pid)).toBe(true);
    expect((await run(kernel, "import os; os._exit(7)")).end).toEqual({
      status: "dead",
      reason: "The Python process ended with code 7.",
    });
    await until(() => !alive(pid));
  });

  vitestIt.runIf(python && process.platform === "linux")(
    "is ended for what its folder holds, and says so",
    async () => {
      const limits = { memoryBytes: null, processes: null, diskBytes: 2_000_000 };
      const source = "open('big', 'wb').write(b'x' * 5_000_000)\nimport time; time.sleep(60)";
      expect((await run(start({ limits }), source)).end).toEqual({
        status: "dead",
        reason: "The kernel's folder held more than 2 MB; it was killed.",
      });
    },
  );

  it("leaves no core, and has a limit of memory where it is given one", async () => {
    const kernel = start({ memoryBytes: 1_000_000_000 });
    expect(resultOf(await run(kernel, "import resource; resource.getrlimit(resource.RLIMIT_CORE)"))).toEqual({
      "text/plain": "(0, 0)",
    });
    expect(errorOf(await run(kernel, "x = bytearray(2_000_000_000)"))).toMatchObject({ name: "MemoryError" });
    expect(resultOf(await run(kernel, "1"))).toEqual({ "text/plain": "1" });
  });

  it("sees nothing of the agent's environment but what it needs", async () => {
    process.env["MYELIN_IC_TOKEN"] = "ic_secret";
    const { events } = await run(start(), "import os; print(dict(os.environ))");
    delete process.env["MYELIN_IC_TOKEN"];
    expect(textOf({ events })).not.toContain("ic_secret");
  });

  it("dies with the agent, in the middle of a cell, children and all, whichever session they went to", async () => {
    const program = `
      import { PythonKernel } from ${JSON.stringify(join(import.meta.dirname, "python-kernel.ts"))};
      const kernel = new PythonKernel(${JSON.stringify({ driver, python })});
      const source = "import subprocess\\nfar = subprocess.Popen(['setsid', 'sleep', '600'], start_new_session=True).pid\\nprint(subprocess.Popen(['sleep', '600']).pid, far, flush=True)\\nwhile True: pass";
      let said = "";
      kernel.execute({ cellId: "c", source, timeoutMs: 60000 }, ({ text }) => {
        said += text;
        if (!said.endsWith("\\n")) return;
        console.log(kernel.pid, said.trim());
        process.kill(process.pid, "SIGKILL");
      });`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program]);
    const pids = stdout.toString().trim().split(" ").map(Number);
    expect(pids).toHaveLength(3);
    for (const pid of pids) await until(() => !alive(pid));
  });

  it("says when there is no such Python", async () => {
    const { end } = await run(start({ python: join(directory, "no-python") }), "1");
    expect(end).toMatchObject({ status: "dead", reason: expect.stringContaining("cannot be started") });
  });
});

const jupyter = drivers[1].python;
describe("Jupyter's kernel", () => {
  const it = vitestIt.skipIf(!jupyter);
  const start = () => startKernel({ driver: "jupyter", python: jupyter! });

  it("ends with the cell that has it exit, and runs no further one on the way out", async () => {
    const kernel = start();
    expect((await run(kernel, "x = 1")).end).toEqual({ status: "ok" });
    const last = await run(kernel, "print('bye')\nexit()");
    expect(textOf(last)).toBe("bye\n");
    expect(last.end).toEqual({ status: "dead", reason: "The Python process ended with code 0." });
    expect((await run(kernel, "print(x)")).end.status).toBe("dead");
  });

  it("stays when a cell exits and asks to keep it", async () => {
    const kernel = start();
    expect((await run(kernel, "x = 1\nexit(keep_kernel=True)")).end).toEqual({ status: "ok" });
    expect((await run(kernel, "x")).end).toEqual({ status: "ok" });
  });

  it("knows magics, help, and displays that are updated", async () => {
    const kernel = start();
    expect(textOf(await run(kernel, "%timeit -n1 -r1 1"))).toContain("per loop");
    expect(textOf(await run(kernel, "!echo shell"))).toContain("shell");
    const help = (await run(kernel, "print?")).events.map((event) => JSON.stringify(event)).join("");
    expect(help).toContain("Prints the values");
    const updated = await run(kernel, "h = display(1, display_id=True)\nfor i in range(2, 9): h.update(i)");
    expect(updated.events.map((event) => event.type === "display" && event.data["text/plain"])).toEqual([
      "1",
      "8",
    ]);
  });

  it("listens on no network, leaves nothing at home, and its sockets are its user's alone", async () => {
    const kernel = start();
    const listening =
      "import os, glob\nopen_ = {os.readlink(p) for p in glob.glob('/proc/self/fd/*') if os.path.lexists(p)}\n" +
      "rows = [l.split() for f in ('tcp', 'tcp6', 'udp', 'udp6') for l in list(open('/proc/net/' + f))[1:]]\n" +
      "[r[1] for r in rows if f'socket:[{r[9]}]' in open_]";
    expect(resultOf(await run(kernel, listening))).toEqual({ "text/plain": "[]" });
    const source =
      "import json, sys, stat\nfrom IPython import get_ipython\nfile = sys.argv[2]\nfolder = os.path.dirname(file)\n" +
      "print(json.dumps([folder, *[oct(stat.S_IMODE(os.stat(p).st_mode) & 0o777) for p in (folder, file)], get_ipython().ipython_dir, get_ipython().history_manager.enabled]))";
    const [folder, ...rest] = JSON.parse(textOf(await run(kernel, source))) as string[];
    expect(rest).toEqual(["0o700", "0o600", join(folder!, "ipythondir"), false]);
    expect(existsSync(folder!)).toBe(true);
    const { end } = await run(kernel, "os.kill(os.getpid(), 9)");
    expect(end).toEqual({ status: "dead", reason: "The Python process was ended by SIGKILL." });
    expect(existsSync(folder!)).toBe(false);
  });

  it("hears an interrupt that comes before it is there", async () => {
    const kernel = start();
    const running = run(kernel, "while True: pass");
    await new Promise((resolve) => setTimeout(resolve, 250));
    await kernel.interrupt();
    expect((await running).end).toEqual({ status: "interrupted" });
    expect(resultOf(await run(kernel, "1"))).toEqual({ "text/plain": "1" });
  });
});

const plain = drivers[0].python;
describe("the driver of plain Python", () => {
  const it = vitestIt.skipIf(!plain);

  it("names the cells whose lines a traceback shows", async () => {
    const kernel = startKernel({ python: plain! });
    await run(kernel, "def g():\n  raise ValueError('no')");
    const error = errorOf(await run(kernel, "x = 1\ng()"));
    const trace = error?.type === "error" ? error.traceback : [];
    expect(trace).toEqual([
      "Traceback (most recent call last):",
      '  File "<cell 2>", line 2, in <module>',
      "    g()",
      ...trace.slice(3, -3),
      '  File "<cell 1>", line 2, in g',
      "    raise ValueError('no')",
      "ValueError: no",
    ]);
  });

  it("survives nonsense on its own descriptor", async () => {
    const kernel = startKernel({ python: plain! });
    const nonsense = "import os; os.write(4, b'\\xff{not json\\n' + b'[' * 100000 + b'\\n{\"id\":5}\\n')";
    expect((await run(kernel, nonsense)).end).toEqual({ status: "ok" });
    expect(resultOf(await run(kernel, "1"))).toEqual({ "text/plain": "1" });
  });

  it("is written for Python 3.8", () => {
    const check = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 8))";
    for (const name of ["driver", "jupyter_driver", "jupyter_kernel"])
      execFileSync(plain!, ["-c", check, join(import.meta.dirname, `${name}.py`)]);
  });
});

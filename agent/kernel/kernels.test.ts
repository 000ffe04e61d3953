import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it as vitestIt } from "vitest";
import { findPython } from "#test/pythons";
import { type Limits, UNLIMITED } from "../work/limits.ts";
import { NotebookKernels } from "./kernels.ts";

const python = findPython();
const it = vitestIt.skipIf(!python);
const LIMITS = { ...UNLIMITED, outputBytes: 1_000_000, graceMs: 500 };
const path = process.env["PATH"];

let folder: string;
let logged: string[];
let kernels: NotebookKernels | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "myelin-kernels-"));
  logged = [];
});
afterEach(async () => {
  process.env["PATH"] = path;
  await kernels?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Puts a `python3` first in the path that has these modules before its own. */
function pythonWith(modules: Record<string, string>): void {
  for (const [name, text] of Object.entries(modules)) {
    mkdirSync(join(folder, "modules", name, ".."), { recursive: true });
    writeFileSync(join(folder, "modules", name), text);
  }
  mkdirSync(join(folder, "bin"));
  const program = join(folder, "bin", "python3");
  writeFileSync(program, `#!/bin/sh\nPYTHONPATH=${join(folder, "modules")} exec ${python} "$@"\n`);
  chmodSync(program, 0o755);
  process.env["PATH"] = [join(folder, "bin"), path].join(delimiter);
}

function open(limits: Partial<Limits> = {}) {
  kernels = new NotebookKernels({
    ...{ directory: folder, user: undefined, limits: { ...LIMITS, ...limits } },
    isDraining: () => false,
    log: (text) => logged.push(text),
  });
  const { commands } = kernels;
  return (name: string, args: Record<string, unknown>) =>
    commands[name]!(args, new AbortController().signal, async () => undefined);
}

const cell = (notebook: string, source: string, life = 0) => ({
  ...{ notebook, life, source },
  ...{ cell: "c", timeout_ms: 20_000 },
});

describe("where Jupyter's kernel is broken", () => {
  it("cells run on plain Python, and the log says why", async () => {
    pythonWith({ "ipykernel.py": "raise ImportError('libzmq.so.5: not there')", "jupyter_client.py": "" });
    const ask = open();
    const notebook = randomUUID();
    expect(await ask("kernel.start", { notebook })).toEqual({
      implementation: expect.stringMatching(/^plain python 3\./),
    });
    expect(await ask("kernel.execute", cell(notebook, "1"))).toEqual({ status: "ok" });
    expect(logged.join("\n")).toMatch(/cannot be used here .*libzmq.*; Python cells run on plain python3/);
  });

  it("so do they where it can be imported and does not start, and the first cell is run all the same", async () => {
    const modules = ["jupyter_client/__init__", "jupyter_client/connect", "jupyter_client/session"];
    pythonWith({
      "ipykernel/__init__.py": "__version__ = '9.9'",
      "ipykernel/kernelapp.py": "",
      ...Object.fromEntries(modules.map((name) => [`${name}.py`, ""])),
    });
    const ask = open();
    const notebook = randomUUID();
    expect(await ask("kernel.start", { notebook })).toEqual({ implementation: "ipykernel 9.9" });
    expect(await ask("kernel.execute", cell(notebook, "x = 1"))).toEqual({ status: "ok" });
    expect(await ask("kernel.execute", cell(notebook, "assert x"))).toEqual({ status: "ok" });
    expect(await ask("kernel.find", { notebook })).toEqual({ alive: true, implementation: "plain python" });
    expect(logged.join("\n")).toMatch(/does not start here .*ended with code 1/);
  });
});

describe("a notebook's kernel", () => {
  it("of an earlier life is ended, not found", async () => {
    pythonWith({});
    const ask = open();
    const notebook = randomUUID();
    await ask("kernel.start", { notebook, life: 0 });
    await ask("kernel.execute", cell(notebook, "x = 1"));
    expect(await ask("kernel.find", { notebook, life: 1 })).toMatchObject({ alive: false });
    expect(await ask("kernel.find", { notebook, life: 0 })).toMatchObject({ alive: false });
    await ask("kernel.start", { notebook, life: 1 });
    // What was on its way for the one before is not for this one.
    await ask("kernel.shutdown", { notebook, life: 0 });
    expect(await ask("kernel.execute", cell(notebook, "x", 1))).toEqual({ status: "error" });
    await ask("kernel.shutdown", { notebook, life: 1 });
    expect(await ask("kernel.find", { notebook, life: 1 })).toMatchObject({ alive: false });
  });

  it("has a folder that goes with it, also that of an agent that was killed", async () => {
    pythonWith({});
    mkdirSync(join(folder, "notebooks", "left"), { recursive: true });
    const ask = open();
    // Whoever it was may still be at work, until the link says otherwise.
    expect(existsSync(join(folder, "notebooks", "left"))).toBe(true);
    kernels!.clearOld();
    expect(existsSync(join(folder, "notebooks"))).toBe(false);
    const notebook = randomUUID();
    await ask("kernel.start", { notebook });
    await ask("kernel.execute", cell(notebook, "open('file', 'w').write('x')"));
    const [own] = readdirSync(join(folder, "notebooks"));
    expect(readdirSync(join(folder, "notebooks", own!))).toEqual(["file"]);
    await ask("kernel.shutdown", { notebook });
    expect(readdirSync(join(folder, "notebooks"))).toEqual([]);
  });

  vitestIt.runIf(python && process.platform === "linux")(
    "has jobs' limit on what its folder holds",
    async () => {
      pythonWith({});
      const ask = open({ diskBytes: 2_000_000 });
      const notebook = randomUUID();
      await ask("kernel.start", { notebook });
      const source = "open('big', 'wb').write(b'x' * 5_000_000)\nimport time; time.sleep(60)";
      const reason = "The kernel's folder held more than 2 MB; it was killed.";
      expect(await ask("kernel.execute", cell(notebook, source))).toEqual({ status: "dead", reason });
      expect(logged).toContain(`notebook ${notebook}: kernel ended: ${reason}`);
      expect(readdirSync(join(folder, "notebooks"))).toEqual([]);
    },
  );
});

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findUser } from "./environment.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { ProcessGroup, reasonOf, type WorkExit } from "./process-group.ts";

const MB = 1024 * 1024;
const LIMITS: Limits = { ...DEFAULT_LIMITS, graceMs: 500 };
const onLinux = it.runIf(process.platform === "linux");

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "myelin-group-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Heard {
  stdout: string[];
  stderr: string[];
  agent: string[];
  metrics: string[];
}

function start(script: string, limits: Partial<Limits> = {}, env: Record<string, string> = {}) {
  const heard: Heard = { stdout: [], stderr: [], agent: [], metrics: [] };
  const order = { argv: ["bash", "-c", script], folder, env, limits: { ...LIMITS, ...limits } };
  const group = new ProcessGroup(order, {
    metric: async (line) => void heard.metrics.push(line),
    log: async (stream, line) => void heard[stream].push(line),
  });
  return { group, heard };
}

async function run(script: string, limits: Partial<Limits> = {}, env: Record<string, string> = {}) {
  const { group, heard } = start(script, limits, env);
  return { exit: await group.finish(), heard };
}

const reason = (exit: WorkExit, limits: Partial<Limits> = {}) => reasonOf(exit, { ...LIMITS, ...limits });

/** Processes whose command line has the text; none once all of a job are gone. */
const running = (text: string): string[] =>
  execFileSync("ps", ["-eo", "pid,stat,args"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(text) && !/^\s*\d+\s+Z/.test(line) && !line.includes("ps -eo"));

async function until(check: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!check()) {
    if (Date.now() > deadline) throw new Error("not within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A number nobody else sleeps for, so that the process can be found. */
const someSleep = () => String(100_000 + Math.floor(Math.random() * 800_000));

it("hands over what is written where, and how it ended", async () => {
  const { exit, heard } = await run("echo out; echo err >&2; echo '{\"step\":1}' >&3; printf half; exit 7");
  expect(heard).toMatchObject({
    stdout: ["out", "half"],
    stderr: ["err"],
    metrics: ['{"step":1}'],
    agent: [],
  });
  expect(exit).toMatchObject({ code: 7, signal: null, breach: null, failure: null, complaint: "err" });
  expect(reason(exit)).toBe("err");
  expect(reason((await run("exit 0")).exit)).toBeNull();
  expect(reason((await run("exit 3")).exit)).toBe("The process ended with exit code 3.");
  expect(reason((await run("kill -SEGV $$")).exit)).toBe("The process was ended by SIGSEGV.");
});

it("says why a program cannot be started", async () => {
  const order = { argv: ["no-such-program"], folder, env: {}, limits: LIMITS };
  const group = new ProcessGroup(order, { metric: async () => {}, log: async () => {} });
  expect(reason(await group.finish())).toContain("ENOENT");
});

it("gives the job nothing of the agent's environment but what is allowed", async () => {
  process.env["MYELIN_IC_TOKEN"] = "ic_secret";
  process.env["AWS_SECRET_ACCESS_KEY"] = "secret-too";
  try {
    const { heard } = await run("env; tr '\\0' '\\n' < /proc/$PPID/environ", {}, { GIVEN: "yes" });
    const text = heard.stdout.join("\n");
    expect(text).toContain("GIVEN=yes");
    expect(text).toContain("PATH=");
    expect(text).not.toMatch(/secret/);
  } finally {
    delete process.env["MYELIN_IC_TOKEN"];
    delete process.env["AWS_SECRET_ACCESS_KEY"];
  }
});

const asRoot = it.runIf(process.getuid?.() === 0);

asRoot("runs the job as somebody else, who cannot look into the agent", async () => {
  chmodSync(folder, 0o777);
  const heard: string[] = [];
  const order = {
    argv: [
      "bash",
      "-c",
      "id -un; echo $HOME; cat /proc/$PPID/environ || echo refused; kill -9 $PPID || echo spared",
    ],
    folder,
    env: {},
    limits: LIMITS,
    user: findUser("nobody"),
  };
  const group = new ProcessGroup(order, {
    metric: async () => {},
    log: async (stream, line) => void (stream === "stdout" && heard.push(line)),
  });
  expect((await group.finish()).code).toBe(0);
  expect(heard).toEqual(["nobody", folder, "refused", "spared"]);
  expect(() => findUser("no-such-user")).toThrow();
});

describe("limits", () => {
  onLinux("a fork bomb is killed as a whole", async () => {
    const sleep = someSleep();
    const limits = { processes: 40 };
    const { exit } = await run(`while true; do sleep ${sleep} & done`, limits);
    expect(exit.breach).toBe("processes");
    expect(reason(exit, limits)).toContain("more than 40 processes");
    expect(running(`sleep ${sleep}`)).toEqual([]);
  });

  onLinux("so is one that makes a session of its own for each", async () => {
    const sleep = someSleep();
    const { exit } = await run(`while true; do setsid sleep ${sleep} & done`, { processes: 40 });
    expect(exit.breach).toBe("processes");
    expect(running(`sleep ${sleep}`)).toEqual([]);
  });

  onLinux("what takes too much memory is killed, in one process or in many", async () => {
    const hog = `python3 -c 'import time; x = bytearray(60 * 1024 * 1024); time.sleep(60)'`;
    const one = await run(hog, { memoryBytes: 50 * MB });
    expect(one.exit.breach).toBe("memory");
    const many = await run(`${hog} & ${hog} & ${hog} & wait`, { memoryBytes: 150 * MB });
    expect(many.exit.breach).toBe("memory");
    expect(reason(many.exit, { memoryBytes: 150 * MB })).toContain("more than 150 MB of memory");
  });

  it("what takes too long is asked to end, then made to", async () => {
    const polite = await run("trap 'echo bye; exit 0' TERM; while true; do sleep 0.05; done", {
      wallSeconds: 1,
    });
    expect(polite.heard.stdout).toEqual(["bye"]);
    expect(polite.exit).toMatchObject({ breach: "time", code: 0 });
    expect(reason(polite.exit, { wallSeconds: 1 })).toContain("longer than 1 s");
    const deaf = await run("trap '' TERM; while true; do sleep 0.05; done", { wallSeconds: 1 });
    expect(deaf.exit).toMatchObject({ breach: "time", signal: "SIGKILL" });
  });

  it("a folder that grows too large ends it", async () => {
    const { exit } = await run("head -c 20000000 /dev/zero > big; sleep 60", { diskBytes: 10 * MB });
    expect(exit.breach).toBe("disk");
  });

  onLinux("what forked processes share counts once", async () => {
    const forks = [
      "import os, time",
      "held = b'x' * 100_000_000",
      "for _ in range(6):",
      "    if os.fork() == 0:",
      "        time.sleep(1.5)",
      "        os._exit(0)",
      "for _ in range(6): os.wait()",
    ].join("\n");
    const { exit } = await run(`python3 -c '${forks.replaceAll("'", '"')}'`, { memoryBytes: 300 * MB });
    expect(exit).toMatchObject({ breach: null, code: 0 });
  });

  it("a flood of output is cut off, in constant memory, and the job goes on", async () => {
    const before = process.memoryUsage().rss;
    const { exit, heard } = await run("yes abcdefgh | head -c 1500000000; echo done >&3", {
      outputBytes: MB,
    });
    expect(exit.code).toBe(0);
    expect(heard.stdout.join("\n").length).toBeLessThanOrEqual(MB);
    expect(heard.agent).toEqual([`output truncated: more than ${MB} bytes`]);
    expect(heard.metrics).toEqual(["done"]);
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * MB);
  });

  it("so is one line without an end, and bytes that are no text", async () => {
    const { heard } = await run("head -c 5000000 /dev/zero | tr '\\0' x; printf '\\n\\377\\376\\n'");
    expect(heard.stdout[0]!.length).toBeLessThan(17_000);
    expect(heard.stdout[0]).toMatch(/line cut\]$/);
    expect(heard.stdout[1]).toBe("\ufffd\ufffd");
  });
});

describe("the end of all of it", () => {
  it("stop asks, and after the grace kills what ignores it", async () => {
    const sleep = someSleep();
    const { group, heard } = start(`trap '' TERM; echo ready; while true; do sleep 0.1; : ${sleep}; done`);
    const finished = group.finish();
    await until(() => heard.stdout.includes("ready"));
    const asked = performance.now();
    await group.kill();
    expect(performance.now() - asked).toBeGreaterThan(450);
    expect((await finished).signal).toBe("SIGKILL");
    expect(running(sleep)).toEqual([]);
  });

  it("nothing that was left in the background outlives the first process", async () => {
    const sleep = someSleep();
    const { exit } = await run(`(sleep ${sleep} &) ; sleep ${sleep} & exit 0`);
    expect(exit.code).toBe(0);
    expect(running(`sleep ${sleep}`)).toEqual([]);
  });

  onLinux("nor what left the group and its parents, as long as it keeps its environment", async () => {
    const sleep = someSleep();
    const { exit } = await run(`(setsid setsid sleep ${sleep} &) ; sleep 0.3; exit 0`);
    expect(exit.code).toBe(0);
    expect(running(`sleep ${sleep}`)).toEqual([]);
  });

  onLinux("nor what drops its environment, once it was seen below the job", async () => {
    const sleep = someSleep();
    await run(`(sleep 0.6; setsid env -i sleep ${sleep}) & sleep 1.5; exit 0`);
    expect(running(`sleep ${sleep}`)).toEqual([]);
  });

  it("a guard that is killed takes the job with it", async () => {
    const sleep = someSleep();
    const { group, heard } = start(`echo $PPID; sleep ${sleep}`);
    const finished = group.finish();
    await until(() => heard.stdout.length > 0);
    process.kill(Number(heard.stdout[0]), "SIGKILL");
    expect(reason(await finished)).toContain("guard was killed");
    await until(() => running(`sleep ${sleep}`).length === 0);
  });

  it("kill -9 of whoever started it leaves nothing behind", async () => {
    const sleep = someSleep();
    const program = join(folder, "agent.mjs");
    writeFileSync(
      program,
      `const { ProcessGroup } = await import(${JSON.stringify(new URL("process-group.ts", import.meta.url).href)});
      const limits = { ...${JSON.stringify(LIMITS)} };
      const script = "trap '' TERM; echo $$ > leader; setsid sleep ${sleep} & sleep ${sleep}";
      const group = new ProcessGroup({ argv: ["bash", "-c", script], folder: ${JSON.stringify(folder)}, env: {}, limits },
        { metric: async () => {}, log: async () => {} });
      await group.finish();`,
    );
    const agent = spawn(process.execPath, [program], { stdio: "inherit" });
    await until(() => running(`sleep ${sleep}`).length >= 2);
    const leader = readFileSync(join(folder, "leader"), "utf8").trim();
    agent.kill("SIGKILL");
    await once(agent, "exit");
    await until(
      () =>
        running(`sleep ${sleep}`).length === 0 && !running(leader).some((l) => l.trim().startsWith(leader)),
    );
  });
});

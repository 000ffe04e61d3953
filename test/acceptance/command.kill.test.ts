import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { AgentProgram, pythonTraining } from "../support/agent-program.ts";
import { newUser, until } from "../support/client.ts";
import { CutLine } from "../support/cut-line.ts";
import { Command } from "../support/command.ts";

const dataDir = mkdtempSync(join(tmpdir(), "myelin-command-kill-"));
let port: number;
let platform: Command;
let agent: AgentProgram | undefined;

/** A small model of a lease of 90 seconds and a network that is cut for 60. */
const LEASE_SECONDS = 15;
const CUT_SECONDS = 10;

const start = () =>
  Command.start("local/start.ts", ["--port", String(port), "--data-dir", dataDir, "--no-agent"], {
    LOG_LEVEL: "warn",
    LEASE_SECONDS: String(LEASE_SECONDS),
    MYELIN_WORKER_DIR: inject("workerWithoutEngine"),
  });

beforeAll(async () => {
  port = await freePort();
  platform = await start();
});
afterAll(async () => {
  await agent?.stop();
  await platform.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

it("a Python script on an agent goes on over a platform that is killed with -9 and started again", async () => {
  const user = await newUser(`http://127.0.0.1:${port}`);
  agent = await AgentProgram.of(user);
  const script = pythonTraining(1_000, 0.01);
  const asked = {
    name: "survivor",
    model_type: "linear",
    kind: "command",
    command: { script },
    labels: [agent.label],
  };
  const { id } = (await user.post("/api/training/runs", asked)).body;
  const points = async () => (await user.get(`/api/training/runs/${id}/metrics`)).body;
  await until(points, (all) => all.length > 200);
  await platform.killHard();
  // The script has a few seconds to speak to nobody.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  platform = await start();
  const ended = await until(
    async () => (await user.get(`/api/training/runs/${id}`)).body,
    ({ status }) => !["pending", "running"].includes(status),
    { withinMs: 40_000 },
  );
  expect(ended).toMatchObject({ status: "completed", attempt: 1 });
  const all = await points();
  expect(all.map(({ step }: any) => step)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  expect(all.map(({ seq }: any) => seq)).toEqual(
    all.map(({ seq }: any) => seq).toSorted((a: number, b: number) => a - b),
  );
  // One process said it all.
  const { logs } = (await user.get(`/api/training/runs/${id}/logs`)).body;
  expect(logs.map(({ message }: any) => message)).toEqual([expect.stringMatching(/^pid/), "trained"]);
}, 90_000);

it("a network that is cut for less than a lease costs a script nothing, and nothing is doubled", async () => {
  const user = await newUser(`http://127.0.0.1:${port}`);
  const line = await CutLine.to(port);
  const cutOff = await AgentProgram.of(user, ["--allow-command"], line.url);
  try {
    const script = pythonTraining(1_000, 0.02);
    const run = {
      name: "cut",
      model_type: "linear",
      kind: "command",
      command: { script },
      labels: [cutOff.label],
    };
    const { id } = (await user.post("/api/training/runs", run)).body;
    const points = async () => (await user.get(`/api/training/runs/${id}/metrics`)).body;
    await until(points, (all) => all.length > 100);
    line.cut();
    const before = (await points()).length;
    await new Promise((resolve) => setTimeout(resolve, CUT_SECONDS * 1_000));
    expect((await points()).length).toBeLessThan(before + 100);
    expect((await user.get(`/api/training/runs/${id}`)).body.status).toBe("running");
    line.mend();
    const ended = await until(
      async () => (await user.get(`/api/training/runs/${id}`)).body,
      ({ status }) => status !== "running",
      { withinMs: 40_000 },
    );
    expect(ended).toMatchObject({ status: "completed", attempt: 1 });
    expect((await points()).map(({ step }: any) => step)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  } finally {
    await cutOff.stop();
    line.stop();
  }
}, 90_000);

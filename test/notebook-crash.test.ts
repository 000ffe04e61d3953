import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { AgentProgram } from "./support/agent-program.ts";
import { newUser, signIn, until } from "./support/client.ts";
import { startOwnPlatform } from "./support/own-platform.ts";
import { isInstalled } from "./support/programs.ts";

it("a cell that ran when the platform went is not shown as running for ever", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "myelin-crash-"));
  const env = { LOG_LEVEL: "warn", RATE_LIMIT_REGISTER: "0" };
  let platform = await startOwnPlatform({ dataDir, env });
  try {
    const user = await newUser(platform.url);
    const cells = [{ source: "console.log('on'); for (;;) {}" }, { source: "1 + 1" }];
    const { id } = (await user.post("/api/notebooks", { name: "n", cells })).body;
    await user.post(`/api/notebooks/${id}/start`);
    const isRunning = ({ body }: any) => body.cells[0].status === "running";
    await until(() => user.get(`/api/notebooks/${id}`), isRunning);
    // No word to anybody: the Worker is gone in the middle of the loop.
    await platform.stop();
    platform = await startOwnPlatform({ dataDir, env });
    const again = await signIn(user.email, user.password, platform.url);
    const read = async () => (await again.get(`/api/notebooks/${id}`)).body;
    const { status, cells: after } = await until(read, ({ status }) => status !== "running");
    expect({ status, after }).toMatchObject({
      status: "failed",
      after: [{ status: "error", outputs: [{ error_name: "KernelDied" }] }, { status: "idle" }],
    });
    const run = await again.post(`/api/notebooks/${id}/cells/${after[1].id}/execute`, {});
    expect(run.body).toMatchObject({ status: "completed", kernel_started: true, outputs: [{ text: "2" }] });
  } finally {
    await platform.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}, 120_000);

it.skipIf(!isInstalled("python3"))(
  "a Python kernel that outlived the platform goes with its notebook",
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "myelin-crash-"));
    const env = { LOG_LEVEL: "warn", RATE_LIMIT_REGISTER: "0" };
    let platform = await startOwnPlatform({ dataDir, env });
    const port = Number(new URL(platform.url).port);
    const user = await newUser(platform.url);
    const agent = await AgentProgram.of(user);
    try {
      const isThere = ({ body }: any) =>
        body[0]?.connected && body[0].capabilities.includes("notebook:python");
      await until(() => user.get("/api/agents"), isThere);
      const cells = [{ source: "import os\nprint(os.getpid())" }];
      const { body } = await user.post("/api/notebooks", { name: "n", kernel: "python", cells });
      const run = await user.post(`/api/notebooks/${body.id}/cells/${body.cells[0].id}/execute`, {});
      const pid = Number(run.body.outputs[0].text);
      await platform.stop();
      platform = await startOwnPlatform({ dataDir, port, env });
      const again = await signIn(user.email, user.password, platform.url);
      const { id } = (await again.get("/api/agents")).body[0];
      await until(
        () => again.get(`/api/agents/${id}/status`),
        ({ body: status }) => status.connected,
      );
      expect(existsSync(`/proc/${pid}`)).toBe(true);
      expect((await again.delete(`/api/notebooks/${body.id}`)).status).toBe(204);
      await until(
        async () => existsSync(`/proc/${pid}`),
        (alive) => !alive,
      );
    } finally {
      await agent.stop();
      await platform.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  },
  120_000,
);

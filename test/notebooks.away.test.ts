import { existsSync } from "node:fs";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { newUser, until, type User } from "./support/client.ts";
import { CutLine } from "./support/cut-line.ts";
import { isInstalled } from "./support/programs.ts";
import type { AgentProgram } from "./support/agent-program.ts";
import { Watcher } from "./support/watcher.ts";
import { agentOf, notebookOf, textOf } from "./support/python-notebooks.ts";

/** Long against the second between an agent's heartbeats; a real one would be about a minute. */
const CUT_SECONDS = Number(process.env["MYELIN_TEST_CUT_SECONDS"] ?? 6);

/** By then a room has looked after its last cell once more, and workerd has put it away. */
const ASLEEP_MS = 20_000;

describe.skipIf(!isInstalled("python3"))("a Python notebook whose agent's network is cut", () => {
  let user: User;
  let line: CutLine;
  let agent: AgentProgram;
  beforeAll(async () => {
    user = await newUser();
    line = await CutLine.to(Number(new URL(inject("url")).port));
    agent = await agentOf(user, line.url);
    return async () => {
      await agent.stop();
      line.stop();
    };
  });

  it("resumes the cell that ran: nothing it said is lost, and nothing doubled", async () => {
    const turns = (CUT_SECONDS + 4) * 10;
    const source = `import time\nfor i in range(${turns}):\n    print(i, flush=True)\n    time.sleep(0.1)\ni + 1`;
    const notebook = await notebookOf(user, [source]);
    const watcher = await Watcher.open(user.url, `${notebook.path}/stream`, { token: user.accessToken });
    const running = notebook.run(0, 600_000);
    await watcher.until(({ frames }) => frames.some(({ data }) => JSON.stringify(data).includes("5\\n")));
    line.cut();
    await new Promise((resolve) => setTimeout(resolve, CUT_SECONDS * 1_000));
    line.mend();
    const { body } = await running;
    expect(body).toMatchObject({ status: "completed", kernel_started: true });
    const said = Array.from({ length: turns }, (_, i) => `${i}\n`).join("");
    expect(body.outputs.map(({ text }: any) => text)).toEqual([said, String(turns)]);
    watcher.socket.terminate();
  }, 300_000);

  it("ends what it holds of notebooks that were deleted or restarted after a rest while it was away", async () => {
    const begin = async () => {
      const notebook = await notebookOf(user, ["import os\nprint(os.getpid())"]);
      const answer = await until(
        () => notebook.run(0),
        ({ status }) => status === 200,
      );
      return { ...notebook, pid: Number(textOf(answer)) };
    };
    const [first, second] = await Promise.all([begin(), begin()]);
    line.cut();
    await new Promise((resolve) => setTimeout(resolve, ASLEEP_MS));
    const answers = await Promise.all([user.delete(first.path), user.post(`${second.path}/restart`)]);
    expect(answers.map(({ status }) => status)).toEqual([204, 200]);
    const alive = () => [first, second].map(({ pid }) => existsSync(`/proc/${pid}`));
    expect(alive()).toEqual([true, true]);
    line.mend();
    await until(
      async () => alive(),
      (are) => are.every((is) => !is),
    );
  }, 120_000);

  it("has a new kernel after a restart that its agent did not hear of, and the old one is ended", async () => {
    const notebook = await notebookOf(user, ["import os\nkept = 1\nprint(os.getpid())", "kept"]);
    const pid = Number(textOf(await notebook.run(0)));
    line.cut();
    // Nobody can say so: it is for the agent to find out.
    expect((await user.post(`${notebook.path}/restart`)).status).toBe(200);
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    line.mend();
    const answer = await until(
      () => notebook.run(1),
      ({ status }) => status === 200,
    );
    expect(answer.body).toMatchObject({ kernel_started: true, outputs: [{ error_name: "NameError" }] });
    await until(
      async () => existsSync(`/proc/${pid}`),
      (alive) => !alive,
    );
  }, 120_000);
});

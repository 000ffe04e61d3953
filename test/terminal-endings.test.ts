import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { newAdmin, query, until, type User } from "./support/client.ts";
import { CutLine } from "./support/cut-line.ts";
import { FakeAgent } from "./support/fake-agent.ts";
import { reaches, type Registered, registerAgent, startAgentProgram } from "./support/registered-agent.ts";
import { TerminalPage } from "./support/terminal-page.ts";

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);
const gone = (pid: number, withinMs = 20_000) =>
  until(
    async () => isAlive(pid),
    (alive) => !alive,
    { withinMs },
  );

async function ticket(chief: User, agent: Registered, fields: Record<string, unknown> = {}) {
  const { status, body } = await chief.post("/api/terminal/ticket", { agent_id: agent.id, ...fields });
  expect([status, body.code]).toEqual([201, undefined]);
  return body as { ticket: string; session: string };
}

async function pidOf(page: TerminalPage): Promise<number> {
  page.press("echo pid=$$.\r");
  return Number((await page.shows(/pid=(\d+)\./))[1]);
}

/** An administrator, an agent of theirs behind a line that can be cut, and a terminal on it. */
async function behindLine(isFramed: boolean) {
  const line = await CutLine.to(Number(new URL(inject("url")).port));
  onTestFinished(() => line.stop());
  const chief = await newAdmin();
  const agent = await registerAgent(chief);
  startAgentProgram(agent.token, ["--allow-terminal"], { SHELL: "/bin/sh" }, { url: line.url });
  await reaches(chief, agent, { state: "running", connected: true });
  const opened = await ticket(chief, agent);
  const page = await TerminalPage.open(opened.ticket, { isFramed });
  return { line, chief, agent, page, session: opened.session };
}

const numbers = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, number]) => Number(number));
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe("a line that is cut", () => {
  it("loses no key and doubles none, while output flows", async () => {
    const { line, page } = await behindLine(false);
    page.type("stty -echo; (while sleep 0.05; do echo tick; done) & echo at$((1+1))\r");
    await page.shows(/at2/);
    page.type("echo loops$((2+2)); while read n; do echo got=$n.; done\r");
    await page.shows(/loops4/);
    for (let n = 1; n <= 40; n++) {
      page.type(`${n}\r`);
      if (n === 10) line.cut();
      if (n === 30) line.mend();
      await delay(40);
    }
    await page.shows(/got=40\./);
    expect(numbers(page.text, /got=(\d+)\./g)).toEqual(upTo(40));
  });

  it("loses nothing of a flood, though what the page said it has seen was lost", async () => {
    const { line, page } = await behindLine(true);
    page.socket.on("message", () => page.socket.send(JSON.stringify({ type: "ack", offset: page.bytes })));
    page.press("seq -f 'n=%.0f.' 1 150000; echo all=$((1+1))\r");
    await page.until(() => page.bytes > 200_000, "too little came");
    line.cut();
    await delay(700);
    line.mend();
    await page.shows(/all=2/);
    expect(numbers(page.text, /n=(\d+)\./g)).toEqual(upTo(150_000));
  });

  it("brings the last words of a shell that ended meanwhile", async () => {
    const { line, page } = await behindLine(true);
    await page.until(() => page.said.length > 0, "no hello");
    page.press("sleep 0.5; echo last=$((40+2)); exit 5\r");
    await page.shows(/exit 5/);
    line.cut();
    await delay(1_500);
    line.mend();
    expect(await page.ends()).toEqual({ code: 1000, reason: "exit 5" });
    expect(page.text.match(/last=42/g)).toHaveLength(1);
    expect(page.said.at(-1)).toMatchObject({ type: "exit", reason: "exit", exit_code: 5 });
  });

  it("does not keep a shell alive that was ended, or whose owner was suspended, meanwhile", async () => {
    const { line, chief, agent, page, session } = await behindLine(true);
    const second = await TerminalPage.open((await ticket(chief, agent)).ticket, { isFramed: true });
    const pids = [await pidOf(page), await pidOf(second)];
    line.cut();
    expect((await chief.delete(`/api/terminal/${agent.id}/${session}`)).status).toBe(204);
    const { body } = await chief.get(`/api/terminal/info?agent_id=${agent.id}`);
    const mine = body.agents.find((each: any) => each.agent_id === agent.id);
    expect(mine.sessions.map(({ id }: any) => id)).not.toContain(session);
    second.socket.terminate();
    await query("update sessions set ended_at = now() where user_id = $1", [chief.id]);
    await query("update users set suspended_at = now() where id = $1", [chief.id]);
    expect(pids.map(isAlive)).toEqual([true, true]);
    line.mend();
    await Promise.all(pids.map((pid) => gone(pid)));
  }, 60_000);
});

it("ends with its owner's right, though nobody looks at it", async () => {
  const chief = await newAdmin();
  const agent = await registerAgent(chief);
  startAgentProgram(agent.token, ["--allow-terminal"], { SHELL: "/bin/sh" });
  await reaches(chief, agent, { state: "running", connected: true });
  const page = await TerminalPage.open((await ticket(chief, agent)).ticket);
  const pid = await pidOf(page);
  page.socket.terminate();
  await query("update users set role = 'user' where id = $1", [chief.id]);
  await gone(pid, 25_000);
}, 40_000);

it("tells who looks why it ends when the agent is drained", async () => {
  const chief = await newAdmin();
  const agent = await registerAgent(chief);
  startAgentProgram(agent.token, ["--allow-terminal"], { SHELL: "/bin/sh" });
  await reaches(chief, agent, { state: "running", connected: true });
  const page = await TerminalPage.open((await ticket(chief, agent)).ticket, { isFramed: true });
  await page.until(() => page.said.length > 0, "no hello");
  const pid = await pidOf(page);
  expect((await chief.post(`${agent.path}/stop`)).status).toBe(200);
  expect(await page.ends()).toEqual({ code: 1000, reason: "drained" });
  expect(page.said.at(-1)).toMatchObject({ type: "exit", reason: "drained" });
  await gone(pid);
  await reaches(chief, agent, { state: "stopped" });
});

describe("an agent that makes things up", () => {
  async function liar() {
    const chief = await newAdmin();
    const agent = await registerAgent(chief);
    const link = await FakeAgent.dial(agent.token);
    onTestFinished(() => link.hangUp());
    link.say(link.hello({ capabilities: ["terminal"] }));
    await link.hear("welcome");
    await until(
      () => chief.get(agent.path),
      ({ body }) => body.connected && body.capabilities.includes("terminal"),
    );
    // Others may ask it for figures meanwhile.
    const heard = async (name: string) => {
      for (;;) {
        const command = await link.hear("command");
        if (command.name === name) return command;
      }
    };
    const answer = async (name: string, value: unknown) => {
      const command = await heard(name);
      link.say({ type: "result", id: command.id, reply: { ok: true, value } });
    };
    return { chief, agent, heard, answer };
  }

  it.each([null, 7, {}, { channel: -1 }, { channel: "1" }, { channel: 2 ** 40 }])(
    "opens no terminal by saying %j",
    async (value) => {
      const { chief, agent, answer, heard } = await liar();
      const opening = TerminalPage.open((await ticket(chief, agent)).ticket);
      await answer("terminal.open", value);
      await expect(opening).rejects.toThrow("refused 502");
      // There may be a shell all the same.
      await heard("terminal.close");
    },
  );

  it.each([null, { offset: 0 }, { offset: -5, text: "", typed: 0 }, { offset: 0, text: "*", typed: 0 }])(
    "shows nothing by saying %j",
    async (value) => {
      const { chief, agent, answer } = await liar();
      const opening = TerminalPage.open((await ticket(chief, agent)).ticket);
      await answer("terminal.open", { channel: 1, shell: "/bin/sh", pid: 1 });
      const page = await opening;
      await answer("terminal.attach", value);
      expect(await page.ends()).toEqual({ code: 1011, reason: "AGENT_FAULT" });
    },
  );
});

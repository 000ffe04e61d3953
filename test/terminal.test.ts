import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { beforeAll, describe, expect, inject, it, onTestFinished } from "vitest";
import { reaches, type Registered, registerAgent, startAgentProgram } from "./support/registered-agent.ts";
import { newAdmin, newUser, query, until, type User } from "./support/client.ts";
import { CutLine } from "./support/cut-line.ts";
import { enableTotp, letGoStale } from "./support/factors.ts";
import { isInstalled } from "./support/programs.ts";
import { TerminalPage } from "./support/terminal-page.ts";

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

/** An account that an agent of root's can give shells of. */
const somebody = readFileSync("/etc/passwd", "utf8")
  .split("\n")
  .map((line) => line.split(":"))
  .map(([name = "", , uid, gid, , home = "", shell = ""]) => ({ name, uid, gid, home, shell }))
  .find(
    ({ uid, home, shell }) =>
      process.getuid?.() === 0 && uid !== "0" && /\/(ba)?sh$/.test(shell) && existsSync(home),
  );

/** An administrator with an agent that allows terminals. */
async function machine(
  env: Record<string, string> = {},
  flags: string[] = [],
): Promise<{ chief: User; agent: Registered; stop(): void; kill(): void }> {
  const chief = await newAdmin();
  const agent = await registerAgent(chief);
  const { child } = startAgentProgram(agent.token, ["--allow-terminal", ...flags], {
    SHELL: "/bin/sh",
    ...env,
  });
  await reaches(chief, agent, { state: "running", connected: true });
  return { chief, agent, stop: () => child.kill("SIGTERM"), kill: () => child.kill("SIGKILL") };
}

async function ticket(chief: User, agent: Registered, fields: Record<string, unknown> = {}) {
  const { status, body } = await chief.post("/api/terminal/ticket", { agent_id: agent.id, ...fields });
  expect([status, body.code]).toEqual([201, undefined]);
  return body as { ticket: string; session: string };
}

/** Has the shell say its pid, in words that are not the echo of what was typed. */
async function pidOf(page: TerminalPage): Promise<number> {
  page.type("echo pid=$$.\r");
  return Number((await page.shows(/pid=(\d+)\./))[1]);
}

describe("a real shell", () => {
  it("takes keys, resizes, shows programs that fill the screen, and is gone after its exit", async () => {
    const { chief, agent } = await machine();
    const { ticket: first } = await ticket(chief, agent, { rows: 30, columns: 100 });
    const page = await TerminalPage.open(first);
    const pid = await pidOf(page);
    expect(isAlive(pid)).toBe(true);
    page.type("stty size\r");
    await page.shows(/30 100/);
    page.type("\u001b[8;41;121t");
    page.type("stty size\r");
    await page.shows(/41 121/);
    page.type("printf '\\303\\251t\\303\\251 \\360\\237\\230\\200\\n'\r");
    await page.shows(/été 😀/);
    if (isInstalled("vim")) {
      page.type("vim -u NONE -N\r");
      await page.shows(/~/);
      page.press("ihello from vim\u001b:q!\r");
      // It throws away what is typed while it leaves the alternate screen.
      await page.until(() => page.text.includes("\u001b[?1049l"), "vim stays");
      page.type("echo back=$((40+2))\r");
      await page.shows(/back=42/);
    }
    page.type("exit 7\r");
    expect(await page.ends()).toEqual({ code: 1000, reason: "exit 7" });
    await until(
      async () => isAlive(pid),
      (alive) => !alive,
    );
    expect((await reaches(chief, agent, { state: "running" })).body.connected).toBe(true);
    const trail = await until(
      () => query("select action, details from audit_events where actor_id = $1 order by seq", [chief.id]),
      (rows) => rows.some(({ action }: any) => action === "terminal.ended"),
    );
    const told = trail.filter(({ action }: any) => action.startsWith("terminal."));
    expect(told.map(({ action }: any) => action)).toEqual(["terminal.opened", "terminal.ended"]);
    expect(told[1]!.details).toMatchObject({ exit_code: 7, reason: "exit", agent_id: agent.id });
  });

  it("ends with its agent, by kill -9 too, with what has left its session", async () => {
    const { chief, agent, kill } = await machine();
    const page = await TerminalPage.open((await ticket(chief, agent)).ticket);
    page.type("setsid sleep 86397 & sleep 0.2; echo far=$(pgrep -f 'sleep 8639[7]').\r");
    const far = Number((await page.shows(/far=(\d+)\./))[1]);
    const pid = await pidOf(page);
    expect([pid, far].map(isAlive)).toEqual([true, true]);
    kill();
    await until(
      async () => [pid, far].filter(isAlive),
      (left) => left.length === 0,
    );
  });

  it("sees neither the agent's token nor anything else of its environment", async () => {
    const { chief, agent } = await machine({ SECRET_OF_THE_AGENT: "hidden-value" });
    const page = await TerminalPage.open((await ticket(chief, agent)).ticket);
    page.type("env | sort; echo end=$((1+1))\r");
    await page.shows(/end=2/);
    expect(page.text).toContain("TERM=xterm-256color");
    expect(page.text).not.toContain("hidden-value");
    expect(page.text).not.toContain(agent.token);
  });

  it.skipIf(!somebody)("has none of the agent's groups as somebody else", async () => {
    const { chief, agent } = await machine({}, ["--user", somebody!.name]);
    const page = await TerminalPage.open((await ticket(chief, agent)).ticket);
    page.type("echo who=$(id -u):$(id -G | tr ' ' ,).\r");
    expect((await page.shows(/who=([\d:,]+)\./))[1]).toBe(`${somebody!.uid}:${somebody!.gid}`);
  });

  it("keeps what it said while nobody looked, and nothing of it twice", async () => {
    const { chief, agent } = await machine();
    const opened = await ticket(chief, agent);
    const page = await TerminalPage.open(opened.ticket);
    await pidOf(page);
    page.type("(sleep 0.5; echo while=$((50+5)) away) &\r");
    await page.shows(/sleep 0\.5/);
    page.socket.terminate();
    await page.ends();
    const again = await ticket(chief, agent, { session: opened.session });
    const back = await TerminalPage.open(again.ticket);
    await back.shows(/while=55 away/);
    expect(back.text.match(/while=55 away/g)).toHaveLength(1);
    // A second look takes the place of the first.
    const third = await TerminalPage.open((await ticket(chief, agent, { session: opened.session })).ticket);
    expect((await back.ends()).code).toBe(4010);
    await third.shows(/while=55 away/);
  });

  it("floods no one: a page that acknowledges nothing holds the program up", async () => {
    const { chief, agent } = await machine();
    const opened = await ticket(chief, agent);
    const page = await TerminalPage.open(opened.ticket, { isFramed: true });
    await page.until(() => page.said.length > 0, "no hello");
    expect(page.said[0]).toMatchObject({ type: "hello", terminal: opened.session });
    page.press("yes 0123456789012345678901234567890123456789\r");
    await page.until(() => page.bytes > 100_000, "too little came");
    // What stands still says nothing; a window and what was on its way is all there may be.
    let before = -1;
    while (before !== page.bytes) {
      before = page.bytes;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(page.bytes).toBeLessThan(400_000);
    page.socket.send(JSON.stringify({ type: "ack", offset: page.bytes }));
    await page.until(() => page.bytes > before, "nothing more came");
    page.socket.send(JSON.stringify({ type: "close" }));
    const { code } = await page.ends();
    expect(code).toBe(1000);
    expect(page.said.at(-1)).toMatchObject({ type: "exit", reason: "closed" });
  });

  it("loses nothing and says nothing twice when the agent's network is cut", async () => {
    const line = await CutLine.to(Number(new URL(inject("url")).port));
    onTestFinished(() => line.stop());
    const chief = await newAdmin();
    const agent = await registerAgent(chief);
    startAgentProgram(agent.token, ["--allow-terminal"], { SHELL: "/bin/sh" }, { url: line.url });
    await reaches(chief, agent, { state: "running", connected: true });
    const page = await TerminalPage.open((await ticket(chief, agent)).ticket);
    page.type("for i in $(seq 1 30); do echo n=$i.; sleep 0.1; done; echo all=$((1+1))\r");
    await page.shows(/n=5\./);
    line.cut();
    await delay(1_000);
    line.mend();
    await page.shows(/all=2/);
    const counted = [...page.text.matchAll(/n=(\d+)\./g)].map(([, number]) => Number(number));
    expect(counted).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    expect((await reaches(chief, agent, { connected: true })).body.state).toBe("running");
  });

  it("leaves nothing behind that would not hear it hang up", async () => {
    const { chief, agent } = await machine();
    const opened = await ticket(chief, agent);
    const page = await TerminalPage.open(opened.ticket);
    page.type("nohup sleep 611 >/dev/null 2>&1 & echo left=$!.\r");
    const ignoring = Number((await page.shows(/left=(\d+)\./))[1]);
    page.type("setsid sh -c 'echo away=$$.; exec sleep 612' &\r");
    const away = Number((await page.shows(/away=(\d+)\./))[1]);
    expect([ignoring, away].map(isAlive)).toEqual([true, true]);
    await chief.delete(`/api/terminal/${agent.id}/${opened.session}`);
    await page.ends();
    await until(
      async () => [ignoring, away].some(isAlive),
      (alive) => !alive,
    );
  });

  it("ends with everything in it when it is closed, and when the agent is told to end", async () => {
    const { chief, agent, stop } = await machine();
    const [one, two] = [await ticket(chief, agent), await ticket(chief, agent)];
    const pages = [await TerminalPage.open(one.ticket), await TerminalPage.open(two.ticket)] as const;
    const pids = [await pidOf(pages[0]), await pidOf(pages[1])];
    const { body } = await chief.get(`/api/terminal/info?agent_id=${agent.id}`);
    const mine = body.agents.find((each: any) => each.agent_id === agent.id);
    expect(mine.sessions.map(({ id }: any) => id)).toEqual([one.session, two.session]);
    expect((await chief.delete(`/api/terminal/${agent.id}/${one.session}`)).status).toBe(204);
    expect((await pages[0].ends()).code).toBe(1000);
    stop();
    expect((await pages[1].ends()).code).toBe(1011);
    await until(
      async () => pids.some(isAlive),
      (alive) => !alive,
    );
  });
});

describe("who gets no shell", () => {
  let chief: User;
  let agent: Registered;
  beforeAll(async () => {
    chief = await newAdmin();
    agent = await registerAgent(chief);
  });

  it("is whoever lacks the permission, a program's token, and whoever showed no factor lately", async () => {
    const user = await newUser();
    const own = await registerAgent(user);
    const refused = await user.post("/api/terminal/ticket", { agent_id: own.id });
    expect([refused.status, refused.body.code]).toEqual([403, "PERMISSION_DENIED"]);
    expect((await user.get("/api/terminal/info")).status).toBe(403);
    const stale = await newAdmin();
    await letGoStale(stale);
    const { body } = await stale.post("/api/terminal/ticket", { agent_id: agent.id });
    expect(body.code).toBe("REAUTHENTICATION_REQUIRED");
    const guarded = await newAdmin();
    await enableTotp(guarded);
    await letGoStale(guarded);
    const answer = await guarded.post("/api/terminal/ticket", { agent_id: agent.id });
    expect([answer.status, answer.body.code]).toEqual([403, "FACTOR_REQUIRED"]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    "is told that there is none for a user who is not to have one",
    async () => {
      const own = await registerAgent(chief);
      startAgentProgram(own.token, ["--allow-terminal", "--user", "nobody"]);
      await reaches(chief, own, { state: "running", connected: true });
      // The row says what an agent is a moment after its link does.
      const { body } = await until(
        () => chief.get(`/api/terminal/info?agent_id=${own.id}`),
        ({ body }) => body.agents[0].reason?.includes("nobody"),
      );
      expect(body.agents).toMatchObject([{ agent_id: own.id, available: false, shell: null }]);
      const refused = await chief.post("/api/terminal/ticket", { agent_id: own.id });
      expect([refused.status, refused.body.code]).toEqual([409, "TERMINAL_UNAVAILABLE"]);
      expect(refused.body.error).toContain("nobody");
    },
  );

  it("is told why an agent has none", async () => {
    const { body } = await chief.get(`/api/terminal/info?agent_id=${agent.id}`);
    const of = body.agents.find((each: any) => each.agent_id === agent.id);
    expect(of).toMatchObject({ available: false, reason: "The agent is not connected.", sessions: [] });
    const refused = await chief.post("/api/terminal/ticket", { agent_id: agent.id });
    expect([refused.status, refused.body.code]).toEqual([409, "TERMINAL_UNAVAILABLE"]);
  });

  it("is an agent's owner who did not allow it when starting it", async () => {
    startAgentProgram(agent.token);
    await reaches(chief, agent, { state: "running", connected: true });
    const { body } = await chief.post("/api/terminal/ticket", { agent_id: agent.id });
    expect([body.code, body.error]).toEqual([
      "TERMINAL_UNAVAILABLE",
      expect.stringContaining("--allow-terminal"),
    ]);
  });

  it("is a page of another origin, a used ticket, a made-up one, and one in nobody's hands", async () => {
    const { chief: owner, agent: open } = await machine();
    const { ticket: good } = await ticket(owner, open);
    await expect(TerminalPage.open(good, { origin: "https://evil.example" })).rejects.toThrow("refused 403");
    await TerminalPage.open(good);
    await expect(TerminalPage.open(good)).rejects.toThrow("refused 401");
    await expect(TerminalPage.open(`${open.id}.${randomUUID()}`)).rejects.toThrow("refused 401");
    await expect(TerminalPage.open("../../x")).rejects.toThrow("refused 401");
    expect((await owner.get("/api/terminal")).body.code).toBe("TICKET_REQUIRED");
    // Another administrator may open one of his own there, but not look at this one.
    const [session] = (await owner.get(`/api/terminal/info?agent_id=${open.id}`)).body.agents.find(
      (each: any) => each.agent_id === open.id,
    ).sessions;
    const other = await newAdmin();
    const spy = await other.post("/api/terminal/ticket", { agent_id: open.id, session: session.id });
    expect([spy.status, spy.body.code]).toEqual([404, "TERMINAL_NOT_FOUND"]);
    expect((await other.delete(`/api/terminal/${open.id}/${session.id}`)).status).toBe(404);
  });

  it("is whoever signed out between the ticket and its use", async () => {
    const { chief: owner, agent: open } = await machine();
    const { ticket: kept } = await ticket(owner, open);
    await query("update sessions set ended_at = now() where user_id = $1", [owner.id]);
    await expect(TerminalPage.open(kept)).rejects.toThrow("refused 401");
    const other = await newAdmin();
    expect((await other.get(`${open.path}/status`)).body.work).toEqual([]);
  });

  it("is whoever signed out, however fast they type", async () => {
    const { chief: owner, agent: open } = await machine();
    const page = await TerminalPage.open((await ticket(owner, open)).ticket);
    const pid = await pidOf(page);
    await query("update sessions set ended_at = now() where user_id = $1", [owner.id]);
    const typing = setInterval(() => page.socket.readyState === 1 && page.type("#"), 100);
    const { code } = await page.ends(8_000).finally(() => clearInterval(typing));
    expect(code).toBe(4001);
    await until(
      async () => isAlive(pid),
      (alive) => !alive,
    );
  });
});

import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../local/free-port.ts";
import { type Platform, startPlatform } from "../local/platform.ts";
import { readCast } from "./support/asciicast.ts";
import { type Client, newUser, query, signIn, until, type User } from "./support/client.ts";
import { reaches, type Registered, registerAgent, startAgentProgram } from "./support/registered-agent.ts";
import { TerminalPage } from "./support/terminal-page.ts";

const dataDir = mkdtempSync(join(tmpdir(), "myelin-recordings-"));
let port: number;
let platform: Platform;
let chief: User;

const start = async (env: Record<string, string> = {}) => {
  const policy = { TERMINAL_RECORDING: "on", TERMINAL_RECORDING_MAX_MB: "0.3", LOG_LEVEL: "warn", ...env };
  platform = await startPlatform({ dataDir, port, agent: false, env: policy });
};
const restart = async (env?: Record<string, string>) => {
  await platform.stop();
  await start(env);
};
/** What the API has no way to: a look behind it. */
const behind = (sql: string, parameters: unknown[] = []) => query(sql, parameters, platform.databaseUrl);

beforeAll(async () => {
  port = await freePort();
  await start();
  chief = await signIn("admin@myelin.local", platform.adminPassword(), platform.url);
});
afterAll(async () => {
  await platform.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function machine(owner: Client = chief): Promise<Registered> {
  const agent = await registerAgent(owner);
  startAgentProgram(agent.token, ["--allow-terminal"], { SHELL: "/bin/sh" }, { url: platform.url });
  await reaches(owner, agent, { state: "running", connected: true });
  return agent;
}

async function open(agent: Registered, fields: Record<string, unknown> = {}, isFramed = true) {
  const { status, body } = await chief.post("/api/terminal/ticket", { agent_id: agent.id, ...fields });
  expect([status, body.code]).toEqual([201, undefined]);
  const page = await TerminalPage.open(body.ticket, { isFramed, at: platform.url });
  return { page, session: body.session as string, path: `/api/terminal/recordings/${body.session}` };
}

const ended = (path: string) =>
  until(
    () => chief.get(path),
    ({ body }) => body.status === "ended",
  );
const cast = async (path: string) => readCast((await chief.get(`${path}/asciicast`)).body);

describe("where terminals are recorded", () => {
  it("plays back what was shown, with its sizes, never what was typed, and whoever sits there is told", async () => {
    const agent = await machine();
    const { body: info } = await chief.get("/api/terminal/info");
    const mine = info.agents.find((each: any) => each.agent_id === agent.id);
    expect(mine).toMatchObject({ recording: true, shell: expect.stringMatching(/^\//) });
    expect(info.shell).toBe(mine.shell);
    const { page, session, path } = await open(agent, { rows: 30, columns: 100 });
    await page.until(() => page.said.length > 0, "no hello");
    expect(page.said[0]).toMatchObject({ type: "hello", recording: true });
    page.press("stty -echo; echo ready$((1+1))\r");
    await page.shows(/ready2/);
    page.press("echo asks$((2+2)); read secret; echo has$((3+3))\r");
    await page.shows(/asks4/);
    page.press("correct-horse\r");
    await page.shows(/has6/);
    // A character whose bytes come one by one.
    page.press('for b in 342 202 254; do printf "\\\\$b"; sleep 0.2; done; echo; echo done=$((40+2))\r');
    await page.shows(/done=42/);
    page.socket.send(JSON.stringify({ type: "resize", rows: 41, columns: 121 }));
    page.press("stty size\r");
    await page.shows(/41 121/);
    const soFar = await cast(path);
    expect(soFar.output).toContain("done=42");
    expect((await chief.get(path)).body).toMatchObject({ status: "recording", ended_at: null });
    expect((await chief.delete(path)).body.code).toBe("RECORDING_RUNNING");
    page.press("exit 3\r");
    await page.ends();
    const { body } = await ended(path);
    expect(body).toMatchObject({
      ...{ id: session, agent_id: agent.id, user_id: chief.id, user_name: chief.email },
      ...{ end_reason: "exit", truncated: false },
    });
    const answer = await chief.get(`${path}/asciicast`);
    expect(answer.headers.get("content-type")).toBe("application/x-asciicast");
    expect(answer.headers.get("content-disposition")).toContain(`${session}.cast`);
    expect(Buffer.byteLength(answer.body)).toBe(body.bytes);
    const { header, events, output } = readCast(answer.body);
    expect(header).toMatchObject({ width: 100, height: 30, title: expect.stringContaining(chief.email) });
    expect(output).toContain("€");
    expect(output).toBe(page.text);
    expect(output).not.toContain("correct-horse");
    expect(events.filter(([, code]) => code === "r").map(([, , size]) => size)).toEqual(["121x41"]);
    expect(events.at(-1)![0]).toBeLessThanOrEqual(body.duration_seconds + 0.001);
  });

  it("lists them for reviewers, tells the trail who looked, and deletes them for good", async () => {
    const agent = await machine();
    const paths: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { page, path } = await open(agent);
      await page.until(() => page.said.length > 0, "no hello");
      page.press("exit\r");
      await page.ends();
      await ended(path);
      paths.unshift(path);
    }
    const of = `/api/terminal/recordings?agent_id=${agent.id}&user_id=${chief.id}`;
    const first = await chief.get(`${of}&limit=2`);
    const rest = await chief.get(/<(.*)>/.exec(first.headers.get("link")!)![1]!);
    expect([...first.body, ...rest.body].map(({ id }: any) => `/api/terminal/recordings/${id}`)).toEqual(
      paths,
    );
    expect((await chief.get(`/api/terminal/recordings?agent_id=${randomUUID()}`)).body).toEqual([]);
    const other = await newUser(platform.url);
    for (const path of [paths[0]!, `${paths[0]}/asciicast`, "/api/terminal/recordings"])
      expect((await other.get(path)).status).toBe(403);
    await cast(paths[0]!);
    expect((await chief.delete(paths[0]!)).status).toBe(204);
    expect((await chief.get(`${paths[0]}/asciicast`)).status).toBe(404);
    const id = paths[0]!.split("/").at(-1)!;
    const { body: trail } = await chief.get(`/api/admin/audit?target_id=${id}&action=terminal.recording*`);
    expect(trail.map(({ action }: any) => action)).toEqual([
      "terminal.recording_deleted",
      "terminal.recording_read",
    ]);
    // Retention is that of the trail.
    const old = paths[1]!.split("/").at(-1)!;
    await behind("update terminal_recordings set created_at = now() - interval '366 days' where id = $1", [
      old,
    ]);
    await platform.runScheduled();
    expect((await chief.get(paths[1]!)).status).toBe(404);
    expect((await chief.get(paths[2]!)).status).toBe(200);
  });

  it("keeps no more than the bound, and says where it stopped", async () => {
    const agent = await machine();
    const { page, session, path } = await open(agent, {}, false);
    await page.shows(/This terminal is recorded\./);
    page.type("seq 100000 199999; echo end=$((1+1))\r");
    await page.shows(/end=2/);
    page.type("exit\r");
    await page.ends();
    const { body } = await ended(path);
    expect(body).toMatchObject({ truncated: true });
    expect(body.bytes).toBeLessThan(300_100);
    const { events, output } = await cast(path);
    expect(events.at(-1)!.slice(1)).toEqual(["m", "truncated"]);
    expect(output).toContain("110000\r\n110001\r\n");
    expect(output).not.toContain("end=2");
    const { body: trail } = await chief.get(
      `/api/admin/audit?target_id=${session}&action=terminal.recording_full`,
    );
    expect(trail).toHaveLength(1);
  });

  it("goes on where it was when the platform was started anew, with nothing lost or doubled", async () => {
    const agent = await machine();
    const { page, session, path } = await open(agent);
    await page.until(() => page.said.length > 0, "no hello");
    page.press("for i in $(seq 1 80); do echo n=$i.; sleep 0.1; done\r");
    await page.shows(/n=5\./);
    await restart();
    await reaches(chief, agent, { connected: true });
    const again = await open(agent, { session });
    await again.page.shows(/n=80\./);
    again.page.press("exit\r");
    await again.page.ends();
    expect((await ended(path)).body).toMatchObject({ end_reason: "exit", truncated: false });
    const { output, events } = await cast(path);
    const counted = [...output.matchAll(/n=(\d+)\./g)].map(([, number]) => Number(number));
    expect(counted).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
    expect(events.filter(([, code]) => code === "m")).toEqual([]);
  });

  it("keeps the recording of an agent that was removed", async () => {
    const agent = await machine();
    const { page, path } = await open(agent);
    await page.until(() => page.said.length > 0, "no hello");
    page.press("echo last=$((7*6))\r");
    await page.shows(/last=42/);
    expect((await chief.delete(agent.path)).status).toBe(204);
    expect((await ended(path)).body).toMatchObject({ end_reason: "lost" });
    expect((await cast(path)).output).toContain("last=42");
  });

  it("opens no terminal that could not be recorded", async () => {
    const agent = await machine();
    await behind("alter table terminal_recordings rename to away");
    try {
      const { body } = await chief.post("/api/terminal/ticket", { agent_id: agent.id });
      await expect(TerminalPage.open(body.ticket, { at: platform.url })).rejects.toThrow("refused 503");
      expect((await chief.get(`${agent.path}/status`)).body.work).toEqual([]);
    } finally {
      await behind("alter table away rename to terminal_recordings");
    }
  });
});

describe("where the blob store takes nothing", () => {
  beforeAll(async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const s3 = { S3_ENDPOINT: endpoint, S3_BUCKET: "b", S3_ACCESS_KEY_ID: "a", S3_SECRET_ACCESS_KEY: "s" };
    await restart({ ...s3, TERMINAL_RECORDING_MAX_MB: "64", LOG_LEVEL: "error" });
  });

  it("a terminal goes on for as long as what it says can be kept elsewhere, and none of that is lost", async () => {
    const agent = await machine();
    const { page, session, path } = await open(agent);
    page.socket.on("message", () => page.socket.send(JSON.stringify({ type: "ack", offset: page.bytes })));
    page.press("echo first=$((40+2)); seq 1000000 9999999\r");
    expect(await page.ends()).toEqual({ code: 4011, reason: "it cannot be recorded" });
    expect(page.bytes).toBeGreaterThan(6_000_000);
    const trail = `/api/admin/audit?target_id=${session}&action=terminal.unrecordable`;
    expect((await chief.get(trail)).body).toHaveLength(1);
    await until(
      () => chief.get(`${agent.path}/status`),
      ({ body }) => body.work.length === 0,
    );
    const soFar = await chief.get(`${path}/asciicast`);
    expect(soFar.status).toBe(200);
    await restart();
    await reaches(chief, agent, { connected: true });
    const { body } = await ended(path);
    expect(body).toMatchObject({ end_reason: "closed", truncated: false });
    const { output, events } = await cast(path);
    expect(output).toContain(page.text.slice(0, 5_000_000));
    expect(events.filter(([, code]) => code === "m")).toEqual([]);
  }, 60_000);
});

describe("where the deployment records none", () => {
  beforeAll(() => restart({ TERMINAL_RECORDING: "off" }));

  it("an agent's owner may have its terminals recorded, and only a reviewer may stop that", async () => {
    const agent = await machine();
    const quiet = await open(agent);
    await quiet.page.until(() => quiet.page.said.length > 0, "no hello");
    expect(quiet.page.said[0]).toMatchObject({ recording: false });
    expect((await chief.get(quiet.path)).status).toBe(404);
    const { body } = await chief.put(agent.path, { record_terminals: true });
    expect(body.record_terminals).toBe(true);
    // One that was open already is recorded from when it is looked at again.
    const looked = await open(agent, { session: quiet.session });
    await looked.page.until(() => looked.page.said.length > 0, "no hello");
    expect(looked.page.said[0]).toMatchObject({ recording: true });
    looked.page.press("echo seen=$((40+2)); exit\r");
    await looked.page.ends();
    await ended(looked.path);
    expect((await cast(looked.path)).output).toContain("seen=42");
    const owner = await newUser(platform.url);
    const own = await registerAgent(owner);
    expect((await owner.put(own.path, { record_terminals: false })).status).toBe(200);
    expect((await owner.put(own.path, { record_terminals: true })).status).toBe(200);
    const refused = await owner.put(own.path, { record_terminals: false });
    expect([refused.status, refused.body.details]).toEqual([403, { permission: "terminal:review" }]);
    expect((await chief.put(own.path, { record_terminals: false })).body.record_terminals).toBe(false);
  });
});

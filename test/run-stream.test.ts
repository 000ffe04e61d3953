import { randomUUID } from "node:crypto";
import { inject, expect, it } from "vitest";
import { admin, Client, newAdmin, newRun, newUser, signIn, until, type User } from "./support/client.ts";
import { Watcher } from "./support/watcher.ts";

const url = inject("url");
const stream = (run: string, query = "") => `/api/training/runs/${run}/stream${query}`;
const send = (user: User, run: string, ...steps: number[]) =>
  user.post(`/api/training/runs/${run}/metrics`, {
    points: steps.map((step) => ({ epoch: 0, step, loss: step })),
  });

it("shows points and log lines as they come, then the true final status, and closes with 1000", async () => {
  const user = await newUser();
  const run = await newRun(user);
  const watcher = await Watcher.open(url, stream(run), { token: user.accessToken });
  await send(user, run, 1, 2, 3);
  await user.post(`/api/training/runs/${run}/logs`, { message: "hello", level: "warn" });
  await send(user, run, 4);
  await user.post(`/api/training/runs/${run}/complete`, { success: false });
  const frames = await watcher.until((w) => w.closed !== undefined);
  expect(frames[0]).toEqual({ type: "hello", seq: 0, data: { run_id: run, status: "running" } });
  expect(watcher.points.map((point) => point.step)).toEqual([1, 2, 3, 4]);
  expect(frames.find((frame) => frame.type === "log")).toMatchObject({
    seq: 4,
    data: { level: "WARN", message: "hello" },
  });
  expect(frames.at(-1)).toMatchObject({
    type: "status",
    data: { status: "failed", completed_at: expect.any(String) },
  });
  expect(watcher.closed).toMatchObject({ code: 1000 });
  expect(frames.map((frame) => frame.seq)).toEqual(
    frames.map((frame) => frame.seq).toSorted((a, b) => a - b),
  );
});

it("resumes behind the last frame seen without losing or repeating anything", async () => {
  const user = await newUser();
  const run = await newRun(user);
  const first = await Watcher.open(url, stream(run), { token: user.accessToken });
  await send(user, run, 1, 2, 3);
  await first.until((w) => w.points.length === 3);
  const since = first.frames.at(-1)!.seq;
  first.close();
  await send(user, run, 4, 5);
  const second = await Watcher.open(url, stream(run, `?since=${since}`), { token: user.accessToken });
  await send(user, run, 6);
  await second.until((w) => w.points.length === 3);
  expect(second.points.map((point) => point.seq)).toEqual([4, 5, 6]);
  second.close();
});

it("replays a finished run, says how it ended and closes", async () => {
  const user = await newUser();
  const run = await newRun(user);
  await send(user, run, ...Array.from({ length: 900 }, (_, i) => i));
  await user.post(`/api/training/runs/${run}/stop`);
  const watcher = await Watcher.open(url, stream(run, "?since=0"), { token: user.accessToken });
  await watcher.until((w) => w.closed !== undefined);
  expect(watcher.points).toHaveLength(900);
  expect(watcher.frames.at(-1)!.data.status).toBe("stopped");
  expect(watcher.closed!.code).toBe(1000);
});

it("answers ping with pong and ignores whatever else a watcher sends", async () => {
  const user = await newUser();
  const run = await newRun(user);
  const watcher = await Watcher.open(url, stream(run), { token: user.accessToken });
  await watcher.until((w) => w.frames.length === 1);
  const answers: string[] = [];
  watcher.socket.removeAllListeners("message").on("message", (data) => answers.push(String(data)));
  watcher.socket.send("\u0000garbage");
  watcher.socket.send(Buffer.from([0xff, 0xfe, 0]));
  watcher.socket.send("ping");
  await until(
    async () => answers,
    (all) => all.length > 0,
  );
  expect(answers).toEqual(["pong"]);
  expect(watcher.closed).toBeUndefined();
  watcher.close();
});

it("lets a ticket in once", async () => {
  const user = await newUser();
  const run = await newRun(user);
  const { status, body } = await user.post(`/api/training/runs/${run}/stream-ticket`);
  expect([status, body.expires_in]).toEqual([201, 60]);
  const attempts = await Promise.allSettled(
    Array.from({ length: 8 }, () => Watcher.open(url, stream(run, `?ticket=${body.ticket}`))),
  );
  const opened = attempts.filter((attempt) => attempt.status === "fulfilled");
  expect(opened).toHaveLength(1);
  for (const attempt of attempts)
    if (attempt.status === "rejected") expect(String(attempt.reason)).toContain("401");
  opened[0]!.value.close();
});

it("lets nobody in without a credential, with another's, with a ticket of another run, or with a token in the URL", async () => {
  const [owner, other] = [await newUser(), await newUser()];
  const [run, otherRun] = [await newRun(owner), await newRun(owner)];
  const { ticket } = (await owner.post(`/api/training/runs/${otherRun}/stream-ticket`)).body;
  const refused = (path: string, options = {}) => expect(Watcher.open(url, path, options)).rejects;
  await refused(stream(run)).toThrow("refused 401");
  await refused(stream(run), { token: "nonsense" }).toThrow("refused 401");
  await refused(stream(run), { token: other.accessToken }).toThrow("refused 404");
  await refused(stream(run), { token: owner.refreshToken }).toThrow("refused 401");
  await refused(stream(run, `?ticket=${ticket}`)).toThrow("refused 401");
  await refused(stream(run, `?token=${owner.accessToken}`)).toThrow("refused 401");
});

it("refuses a page of a foreign origin even with a good token, and lets a configured one in", async () => {
  const user = await newUser();
  const run = await newRun(user);
  const options = { token: user.accessToken, origin: "https://evil.example" };
  await expect(Watcher.open(url, stream(run), options)).rejects.toThrow("refused 403");
  const watcher = await Watcher.open(url, stream(run), { ...options, origin: "https://dashboard.example" });
  expect(watcher.socket.protocol).toBe("myelin.stream");
  watcher.close();
});

it("admits pages by where it is reached, not by what the request says of that", async () => {
  const user = await newUser();
  const run = await newRun(user);
  const { accessToken: token } = user;
  const host = "evil.example";
  const forged = { token, origin: `http://${host}`, headers: { host } };
  await expect(Watcher.open(url, stream(run), forged)).rejects.toThrow("refused 403");
  // A page served by another program on this machine, since that is where this platform is reached.
  for (const origin of [url, "http://localhost:5173", "http://[::1]:3000"]) {
    (await Watcher.open(url, stream(run), { token, origin })).close();
  }
  for (const origin of ["http://localhost.evil.example", "https://127.0.0.1.evil.example", "null"])
    await expect(Watcher.open(url, stream(run), { token, origin })).rejects.toThrow("refused 403");
});

it("does not use a ticket up where nothing can be opened with it", async () => {
  const user = await newUser();
  const run = await newRun(user);
  const { ticket } = (await user.post(`/api/training/runs/${run}/stream-ticket`)).body;
  const plain = await new Client(url).get(stream(run, `?ticket=${ticket}`));
  expect([plain.status, plain.body.code]).toEqual([400, "UPGRADE_REQUIRED"]);
  const foreign = Watcher.open(url, stream(run, `?ticket=${ticket}`), { origin: "https://evil.example" });
  await expect(foreign).rejects.toThrow("refused 403");
  (await Watcher.open(url, stream(run, `?ticket=${ticket}`))).close();
});

it("answers a plain GET with a JSON error", async () => {
  const user = await newUser();
  const { status, body } = await user.get(stream(await newRun(user)));
  expect([status, body.code]).toEqual([400, "UPGRADE_REQUIRED"]);
});

const watch = (run: string, token: string) => Watcher.open(url, stream(run), { token });

/** Reports to the run until the watchers were all closed with 1008; returns how many points that took. */
async function untilShutOut(user: User, run: string, gone: Watcher[]): Promise<number> {
  let step = 0;
  await until(
    async () => {
      await send(user, run, ++step);
      return gone.map(({ closed }) => closed?.code);
    },
    (codes) => codes.every((code) => code === 1008),
    { withinMs: 15_000, everyMs: 300 },
  );
  return step;
}

async function expectWatching(watcher: Watcher, points: number): Promise<void> {
  await watcher.until((w) => w.points.length === points);
  expect(watcher.closed).toBeUndefined();
  watcher.close();
}

it("closes with 1008 on whoever signed out, by whatever they came in, and on nobody else", async () => {
  const user = await newUser();
  const run = await newRun(user);
  const leaving = await signIn(user.email, user.password);
  const { ticket } = (await leaving.post(`/api/training/runs/${run}/stream-ticket`)).body;
  const { id, token } = (await user.post("/api/tokens", { name: "t", scopes: ["runs:read"] })).body;
  const gone = await Promise.all([
    watch(run, leaving.accessToken),
    Watcher.open(url, stream(run, `?ticket=${ticket}`)),
    watch(run, token),
  ]);
  const staying = await watch(run, user.accessToken);
  await leaving.post("/api/auth/logout");
  await user.delete(`/api/tokens/${id}`);
  await expectWatching(staying, await untilShutOut(user, run, gone));
});

it("closes with 1008 on whoever may read runs no more: denied, of a narrower role, by a narrower token", async () => {
  const [chief, user] = [await admin(), await newUser()];
  const run = await newRun(user);
  const newRole = async (fields: Record<string, unknown>) => {
    const name = `r-${randomUUID().slice(0, 8)}`;
    expect((await chief.post("/api/admin/roles", { name, ...fields })).status).toBe(201);
    return name;
  };
  const changes = [
    { denied: ["runs:read"] },
    { custom_role: await newRole({ base: "admin", permissions: ["models:read"] }) },
    { custom_role: await newRole({ base: "admin", permissions: ["runs:read"], denied: ["runs:read"] }) },
    { custom_role: await newRole({ base: "user", permissions: ["runs:read"] }) },
  ];
  const overseers = await Promise.all(changes.map(() => newAdmin()));
  const narrow = (await user.post("/api/tokens", { name: "n", scopes: ["runs:read", "models:read"] })).body;
  const broad = (await user.post("/api/tokens", { name: "b", scopes: ["*"] })).body;
  const still = await newAdmin();
  const gone = await Promise.all(
    [...overseers.map(({ accessToken }) => accessToken), narrow.token].map((token) => watch(run, token)),
  );
  const staying = await Promise.all(
    [user.accessToken, broad.token, still.accessToken].map((token) => watch(run, token)),
  );
  const seeing = { custom_role: await newRole({ base: "admin", permissions: ["runs:read"] }) };
  const settings = [
    ...changes.map((change, i) => [overseers[i]!, change] as const),
    [still, seeing] as const,
  ];
  for (const [{ id }, change] of settings)
    expect((await chief.put(`/api/admin/users/${id}`, change)).status).toBe(200);
  expect((await user.put(`/api/tokens/${narrow.id}`, { scopes: ["models:read"] })).status).toBe(200);
  const points = await untilShutOut(user, run, gone);
  for (const watcher of staying) await expectWatching(watcher, points);
});

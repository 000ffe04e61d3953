import { randomUUID } from "node:crypto";
import { spawnSync } from "node:child_process";
import { describe, expect, inject, it } from "vitest";
import { admin, anonymous, Client, newAdmin, newUser, newViewer, until } from "./support/client.ts";
import { isInstalled } from "./support/programs.ts";

type Samples = Map<string, number>;

/** The samples of an exposition by name and labels, as they stand there. */
const samplesOf = (text: string): Samples =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );

const requests = (method: string, route: string, status: number) =>
  `myelin_http_requests_total{method="${method}",route="${route}",status="${status}"}`;

describe("who may read", () => {
  it("is everybody signed in at /api/metrics, viewers too", async () => {
    for (const client of [await newUser(), await newViewer(), await newAdmin()]) {
      const { status, headers } = await client.get("/api/metrics");
      expect(status).toBe(200);
      expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    }
    expect((await anonymous().get("/api/metrics")).status).toBe(401);
  });

  it("is administrators alone at /metrics where there is no token for scrapers", async () => {
    const ask = async (client: Client) => (await client.get("/metrics")).status;
    expect(await ask(anonymous())).toBe(401);
    expect(await ask(await newViewer())).toBe(403);
    expect(await ask(await newUser())).toBe(403);
    expect(await ask(await newAdmin())).toBe(200);
    for (const authorization of ["Bearer ", "Bearer null", "Bearer undefined", "Bearer", "Basic bnVsbDo="])
      expect([authorization, await ask(new Client(inject("url"), { authorization }))]).toEqual([
        authorization,
        401,
      ]);
  });

  it("is whoever shows the token, where there is one", async () => {
    const { url, metricsToken } = inject("guarded");
    const ask = async (headers: Record<string, string>) =>
      (await new Client(url, headers).get("/metrics")).status;
    expect(await ask({ authorization: `Bearer ${metricsToken}` })).toBe(200);
    expect(await ask({})).toBe(401);
    expect(await ask({ authorization: `Bearer ${metricsToken}x` })).toBe(401);
    expect(await ask({ authorization: `Bearer ${metricsToken.slice(0, -1)}` })).toBe(401);
    expect(await ask({ authorization: metricsToken })).toBe(401);
    expect(await ask({ "x-api-token": metricsToken })).toBe(401);
    // It opens nothing else.
    const scraper = new Client(url, { authorization: `Bearer ${metricsToken}` });
    expect((await scraper.get("/api/metrics")).status).toBe(401);
  });
});

describe("requests are counted", () => {
  it("by route, method and status, exactly, and in the histogram", async () => {
    const chief = await admin();
    const user = await newUser();
    const model = (await user.post("/api/models", { name: "m", model_type: "mlp" })).body.id;
    const read = async () => samplesOf((await chief.get("/metrics")).body);
    const kinds = [
      requests("GET", "/api/models/:id", 200),
      requests("GET", "/api/models/:id", 404),
      requests("PUT", "/api/models/:id", 422),
    ];
    const count = 'myelin_http_request_duration_seconds_count{method="GET",route="/api/models/:id"}';
    const infinite =
      'myelin_http_request_duration_seconds_bucket{method="GET",route="/api/models/:id",le="+Inf"}';
    const before = await read();
    for (let i = 0; i < 3; i++) await user.get(`/api/models/${model}`);
    for (let i = 0; i < 2; i++) await user.get(`/api/models/${randomUUID()}`);
    await user.put(`/api/models/${model}`, { name: 1 });
    const after = await read();
    const grown = (name: string) => after.get(name)! - (before.get(name) ?? 0);
    // Other tests ask, too, and at the same time.
    expect(kinds.map((kind) => grown(kind) >= [3, 2, 1][kinds.indexOf(kind)]!)).toEqual([true, true, true]);
    expect(grown(count)).toBeGreaterThanOrEqual(5);
    expect(after.get(infinite)).toBe(after.get(count));
    for (const [name, value] of before)
      if (name.includes("_total{")) expect([name, after.get(name)! >= value]).toEqual([name, true]);
  });

  it("without a trace of what was asked for, however hostile", async () => {
    const chief = await admin();
    const secret = randomUUID();
    const hostile = `/${secret}%22%7D%201%0Aforged_total%202`;
    for (const path of [hostile, `/api/models/${secret}`, `/api/agents/${secret}?q=${secret}`])
      await anonymous().get(path);
    await anonymous().call("PROPFIND", `/${secret}`);
    const { body } = await chief.get("/metrics");
    expect(body).not.toContain(secret);
    expect(body).not.toContain("forged");
    expect(samplesOf(body).get(requests("GET", "unmatched", 404))).toBeGreaterThan(0);
    expect(samplesOf(body).get(requests("OTHER", "unmatched", 404))).toBeGreaterThan(0);
  });

  it("on each platform for itself", async () => {
    const { url, metricsToken } = inject("guarded");
    await anonymous(url).get("/health");
    const scraper = new Client(url, { authorization: `Bearer ${metricsToken}` });
    const samples = samplesOf((await scraper.get("/metrics")).body);
    expect(samples.get(requests("GET", "/health", 200))).toBeGreaterThan(0);
    expect(samples.get("myelin_worker_isolates")).toBeGreaterThan(0);
  });
});

describe("what there is", () => {
  it("is counted as it is", async () => {
    const user = await newUser();
    const read = async () => samplesOf((await user.get("/api/metrics")).body);
    const names = ['myelin_runs{status="running"}', "myelin_users", "myelin_agents"];
    const before = await read();
    expect(before.get('myelin_info{version="0.1.0"}')).toBe(1);
    expect(before.get('myelin_up{component="database"}')).toBe(1);
    for (const name of [...names, "myelin_training_queue_runs", "myelin_agents_connected"])
      expect([name, before.get(name)]).toEqual([name, expect.any(Number)]);
    for (const status of ["pending", "running", "completed", "failed", "stopped"])
      expect(before.get(`myelin_runs{status="${status}"}`)).toEqual(expect.any(Number));
    const agents = before.get("myelin_agents")!;
    for (let i = 0; i < 200; i++)
      if ((await user.post("/api/agents", { name: `m${i}` })).status !== 201) throw i;
    // Read at most every five seconds. Other tests make and delete some, but not that many.
    await until(read, (samples) => samples.get("myelin_agents")! >= agents + 150);
  });
});

it.skipIf(!isInstalled("promtool"))("promtool has nothing to say against it", async () => {
  const { body } = await (await admin()).get("/metrics");
  expect(body).toMatch(/^# TYPE myelin_http_request_duration_seconds histogram$/m);
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: body,
    encoding: "utf8",
  });
  expect([status, stdout, stderr]).toEqual([0, "", ""]);
  // And it would have, if there were something.
  const bad = spawnSync("promtool", ["check", "metrics"], {
    input: "# TYPE a_total gauge\na_total 1\n",
    encoding: "utf8",
  });
  expect(bad.status).not.toBe(0);
});

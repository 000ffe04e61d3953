import { randomUUID } from "node:crypto";
import { cpus, hostname, totalmem } from "node:os";
import { describe, expect, it, onTestFinished } from "vitest";
import { admin, newAdmin, newUser, newViewer, query, until, type User } from "./support/client.ts";
import { FakeAgent } from "./support/fake-agent.ts";

const READS = ["info", "metrics", "metrics/history", "gpus", "correlation"].map(
  (path) => `/api/system/${path}`,
);

async function register(user: User) {
  const { body } = await user.post("/api/agents", { name: randomUUID() });
  return { id: body.id as string, name: body.name as string, token: body.token as string };
}

const sampleOf = (over: Record<string, unknown> = {}) => ({
  at: new Date().toISOString(),
  cpu: { percent: 50, per_core: [100, 0] },
  memory: {
    ...{ total_bytes: 1000, used_bytes: 250, available_bytes: 750 },
    ...{ swap_total_bytes: 0, swap_used_bytes: 0 },
  },
  file_systems: [{ device: "/dev/a", mount: "/", type: "ext4", total_bytes: 400, used_bytes: 100 }],
  disk_io: { read_bytes_per_second: 1, write_bytes_per_second: null },
  network: { rx_bytes: 7, tx_bytes: 8, rx_bytes_per_second: 9, tx_bytes_per_second: 10 },
  load: [1, 2, 3],
  process_count: 5,
  uptime_seconds: 60,
  gpus: [],
  ...over,
});

type Answers = Record<string, unknown>;

/** An agent that answers each command with what it is given, for as long as the test lasts. */
async function connected(user: User, answers: Answers) {
  const agent = await register(user);
  const link = await FakeAgent.connect(agent.token);
  const asked: string[] = [];
  link.socket.on("message", (data) => {
    const said = JSON.parse(String(data));
    if (said.type !== "command") return;
    asked.push(said.name);
    const answer = answers[said.name];
    const reply =
      answer === undefined
        ? { ok: false as const, code: "COMMAND_UNKNOWN", message: "Unknown." }
        : { ok: true as const, value: answer };
    link.say({ type: "result", id: said.id, reply });
  });
  onTestFinished(() => link.hangUp());
  return { ...agent, link, asked };
}

describe("without an agent", () => {
  it("one that never dialled in has nulls and empty lists", async () => {
    const user = await newUser();
    const { id, name } = await register(user);
    const member = {
      ...{ agent_id: id, agent_name: name, connected: false, last_seen_at: null },
      error: { code: "AGENT_OFFLINE", message: expect.any(String) },
    };
    const ask = async (path: string) => (await user.get(`/api/system/${path}?agent_id=${id}`)).body;
    expect(await ask("info")).toMatchObject({
      ...{ platform: null, arch: null, cpu_count: null, total_memory_bytes: null, agents_connected: 0 },
      ...{ available_memory_bytes: null, rust_version: null },
      agents: [{ ...member, hostname: null, limits: null, capabilities: [] }],
    });
    const metrics = await ask("metrics");
    const { timestamp, agents_connected, agents, cpu_per_core, gpu_metrics, ...figures } = metrics;
    expect([agents_connected, cpu_per_core, gpu_metrics]).toEqual([0, [], []]);
    expect(Date.now() - Date.parse(timestamp)).toBeLessThan(60_000);
    expect(Object.keys(figures).length).toBeGreaterThan(15);
    expect(new Set(Object.values(figures))).toEqual(new Set([null]));
    expect(agents).toMatchObject([{ ...member, sampled_at: null, file_systems: null }]);
    expect(await ask("metrics/history")).toMatchObject({
      ...{ timestamps: [], sampled_at: [], cpu_history: [], gpu_utilization: [], step_seconds: 1 },
      agents: [{ ...member, samples: 0 }],
    });
    const day = await user.get(`/api/system/metrics/history?span=day&agent_id=${id}`);
    expect(day.body).toMatchObject({ cpu_history: [], agents: [{ samples: 0, error: null }] });
    expect(await ask("gpus")).toMatchObject({ gpus: [], cuda_available: null, total_gpu_memory: null });
    const nothing = { n: 0, pearson: null, spearman: null };
    expect(await ask("correlation")).toMatchObject({
      points: [],
      statistics: { cpu_memory: nothing, cpu_runtime: nothing, memory_runtime: nothing },
      agents: [{ ...member, process_count: null, statistics: null }],
    });
  });
});

describe("an agent's machine", () => {
  it("is shown as it says it is", async () => {
    const user = await newUser();
    const gpu = {
      ...{ name: "A100", vendor: "NVIDIA", driver: "535", backend: "CUDA", utilization_percent: 0 },
      ...{
        memory_total_bytes: 85_899_345_920,
        memory_used_bytes: 1_048_576,
        temperature_c: 31,
        power_watts: null,
      },
    };
    const { id } = await connected(user, { "system.sample": sampleOf({ gpus: [gpu] }) });
    const ask = async (path: string) => (await user.get(`/api/system/${path}?agent_id=${id}`)).body;
    const figures = {
      ...{ cpu_usage_percent: 50, cpu_per_core: [100, 0], memory_percent: 25, disk_percent: 25 },
      ...{ disk_read_bytes_per_second: 1, disk_write_bytes_per_second: null, network_rx_bytes: 7 },
      ...{ load_avg_1m: 1, load_avg_5m: 2, load_avg_15m: 3, process_count: 5, uptime_seconds: 60 },
      gpu_metrics: [
        {
          ...{
            id: 0,
            agent_id: id,
            name: "A100",
            utilization_percent: 0,
            temperature_c: 31,
            power_watts: null,
          },
          ...{ memory_used_mb: 1, memory_total_mb: 81_920 },
        },
      ],
    };
    expect(await ask("metrics")).toMatchObject({
      ...figures,
      agents_connected: 1,
      agents: [{ ...figures, agent_id: id, connected: true, error: null }],
    });
    expect(await ask("gpus")).toMatchObject({
      gpus: [{ name: "A100", memory_total: 85_899_345_920, is_available: true, device_type: null }],
      cuda_available: true,
      total_gpu_memory: 85_899_345_920,
    });
    expect(await ask("info")).toMatchObject({
      ...{
        platform: "linux",
        arch: "x64",
        cpu_count: 2,
        total_memory_bytes: 1000,
        available_memory_bytes: 750,
      },
      agents: [{ hostname: "test", gpu_count: 0, state: "running", version: "1.2.3" }],
    });
  });

  it("is taken together with the caller's others in a stated way", async () => {
    const user = await newUser();
    const small = await connected(user, { "system.sample": sampleOf() });
    const large = await connected(user, {
      "system.sample": sampleOf({
        cpu: { percent: 20, per_core: [20, 20, 20, 20, 20, 20] },
        memory: { ...sampleOf().memory, total_bytes: 3000, used_bytes: 1750, available_bytes: 1250 },
        load: null,
        uptime_seconds: 100,
      }),
    });
    const silent = await connected(user, {});
    const mine = [small.id, large.id, silent.id];
    // The row says that an agent was heard of a moment after its link does.
    const { body } = await until(
      () => user.get("/api/system/metrics"),
      ({ body }) => mine.every((id) => body.agents.some(({ agent_id }: any) => agent_id === id)),
    );
    // The platform's own agent, which is shared with everybody, may be one of them.
    const known = body.agents.filter(({ cpu_usage_percent }: any) => cpu_usage_percent !== null);
    expect(known.length).toBeGreaterThanOrEqual(2);
    const sum = (of: (agent: any) => number) =>
      known.reduce((total: number, agent: any) => total + of(agent), 0);
    const cores = sum(({ cpu_per_core }) => cpu_per_core.length);
    const used = sum(({ memory_used_bytes }) => memory_used_bytes);
    const total = sum(({ memory_total_bytes }) => memory_total_bytes);
    expect(body.cpu_usage_percent).toBeCloseTo(
      sum(({ cpu_usage_percent, cpu_per_core }) => cpu_usage_percent * cpu_per_core.length) / cores,
      1,
    );
    expect(body.cpu_per_core).toHaveLength(cores);
    expect([body.memory_used_bytes, body.memory_total_bytes]).toEqual([used, total]);
    expect(body.memory_percent).toBeCloseTo((100 * used) / total, 1);
    expect(body.process_count).toBe(sum(({ process_count }) => process_count));
    expect(body.load_avg_1m).toBeCloseTo(
      sum(({ load_avg_1m }) => load_avg_1m ?? 0),
      5,
    );
    expect(body.uptime_seconds).toBe(Math.max(...known.map(({ uptime_seconds }: any) => uptime_seconds)));
    expect(body.agents.find(({ agent_id }: any) => agent_id === silent.id)).toMatchObject({
      ...{ connected: true, cpu_usage_percent: null },
      error: { code: "COMMAND_UNKNOWN" },
    });
  });

  it("that answers nonsense is one that answers nothing", async () => {
    const user = await newUser();
    const { id } = await connected(user, {
      "system.sample": { cpu: "fast" },
      "system.history": { samples: [sampleOf({ cpu: { percent: 1e9, per_core: [] } })] },
      "system.processes": "<script>",
      "system.benchmark": null,
    });
    for (const path of READS) {
      const { status, body } = await user.get(`${path}?agent_id=${id}`);
      expect([path, status, body.agents[0].error.code]).toEqual([path, 200, "AGENT_ANSWER_UNREADABLE"]);
    }
    const { status, body } = await user.post(`/api/system/benchmark?agent_id=${id}`);
    expect([status, body.code]).toEqual([502, "AGENT_FAILED"]);
  });
});

describe("history", () => {
  it.each([
    ["was ahead when it dialled in", 3_600_000],
    ["was set since", 0],
  ])("of a minute is the agent's own, by our clock, also where its own %s", async (_, then) => {
    const user = await newUser();
    const agent = await register(user);
    const link = await FakeAgent.dial(agent.token);
    onTestFinished(() => link.hangUp());
    const ahead = 3_600_000;
    link.say(link.hello({ now: new Date(Date.now() + then).toISOString() }));
    await link.hear("welcome");
    const from = Math.floor(Date.now() / 1000) * 1000 - 3000;
    const samples = [0, 1, 2].map((i) =>
      sampleOf({ at: new Date(from + ahead + i * 1000).toISOString(), cpu: { percent: i, per_core: [i] } }),
    );
    const answer = user.get(`/api/system/metrics/history?agent_id=${agent.id}`);
    const { id, name } = await link.hear("command");
    expect(name).toBe("system.history");
    link.say({ type: "result", id, reply: { ok: true, value: { samples } } });
    const { body } = await answer;
    expect(body).toMatchObject({
      ...{ span: "minute", step_seconds: 1, cpu_history: [0, 1, 2], memory_history: [25, 25, 25] },
      ...{
        disk_io_read: [1, 1, 1],
        disk_io_write: [null, null, null],
        network_rx: [9, 9, 9],
        gpu_utilization: [],
      },
      agents: [{ samples: 3, error: null }],
    });
    for (const [i, at] of body.sampled_at.entries()) {
      expect(Math.abs(Date.parse(at) - from - i * 1000)).toBeLessThan(5_000);
      expect(body.timestamps[i]).toBe(at.slice(11, 19));
    }
  });

  it("of an hour and a day is what its beats said, also when it is gone", async () => {
    const user = await newUser();
    const { id, link } = await connected(user, {});
    const says = (sample: unknown) => link.say({ type: "beat", state: "running", work: [], sample });
    const history = (span: string) => user.get(`/api/system/metrics/history?agent_id=${id}&span=${span}`);
    says(sampleOf({ cpu: { percent: 77, per_core: [77] } }));
    const { body } = await until(
      () => history("hour"),
      ({ body }) => body.cpu_history.length > 0,
    );
    expect(body).toMatchObject({ span: "hour", step_seconds: 15, cpu_history: [77] });
    link.hangUp();
    await until(
      () => user.get(`/api/system/metrics?agent_id=${id}`),
      ({ body }) => body.agents_connected === 0,
    );
    expect((await history("day")).body).toMatchObject({
      ...{ span: "day", step_seconds: 300, cpu_history: [77] },
      agents: [{ connected: false, samples: 1, error: null }],
    });
  });
});

describe("correlation", () => {
  it("is of real processes alone, with its statistics", async () => {
    const user = await newUser();
    const process = (pid: number, cpu_percent: number, megabytes: number, minutes: number) => ({
      ...{ pid, name: `p${pid}`, cpu_percent, memory_bytes: megabytes * 1e6, runtime_seconds: minutes * 60 },
    });
    const processes = [process(1, 80, 100, 3), process(2, 10, 900, 2), process(3, 0, 5, 1)];
    const { id } = await connected(user, {
      "system.processes": { at: new Date().toISOString(), processes, total: 3 },
    });
    const { body } = await user.get(`/api/system/correlation?agent_id=${id}`);
    expect(body.points.map(({ x, y, z, label, category }: any) => [x, y, z, label, category])).toEqual([
      [80, 100, 3, "p1", "high-cpu"],
      [10, 900, 2, "p2", "high-memory"],
      [0, 5, 1, "p3", "normal"],
    ]);
    expect(body.statistics.cpu_runtime).toEqual({
      n: 3,
      pearson: expect.closeTo(0.91766, 5),
      spearman: expect.closeTo(1, 9),
    });
    expect(body.agents[0]).toMatchObject({ process_count: 3, statistics: body.statistics });
  });

  it("names no process of a machine that is only shared, to anybody but its owner and administrators", async () => {
    const [owner, other, chief] = await Promise.all([newUser(), newUser(), newAdmin()]);
    const secret = { pid: 7, name: "secret-project", cpu_percent: 1, memory_bytes: 1, runtime_seconds: 1 };
    const { id } = await connected(owner, {
      "system.processes": { at: new Date().toISOString(), processes: [secret], total: 1 },
    });
    await query("update agents set shared = true where id = $1", [id]);
    onTestFinished(() => query("update agents set shared = false where id = $1", [id]).then(() => {}));
    const ask = async (user: User) => (await user.get(`/api/system/correlation?agent_id=${id}`)).body;
    for (const user of [owner, chief]) expect((await ask(user)).points).toMatchObject([{ pid: 7 }]);
    expect(await ask(other)).toMatchObject({ points: [], agents: [{ process_count: 1 }] });
  });
});

describe("a benchmark", () => {
  const figure = (name: string, value: number, unit: string) => ({
    ...{ name, value, unit, method: "m", runs: [value], reason: null },
  });
  const REPORT = {
    ...{ at: "2026-01-01T00:00:00.000Z", duration_ms: 1500 },
    figures: [
      figure("memory_copy_1mb", 10.48576, "GB/s"),
      figure("memory_copy_64mb", 0.5, "GB/s"),
      figure("elementwise_add", 1.25, "ms"),
    ],
  };

  it("of all one's own is run on each, and on no one else's", async () => {
    const [user, chief] = await Promise.all([newUser(), newAdmin()]);
    const mine = await connected(user, { "system.benchmark": REPORT });
    const shared = await connected(chief, { "system.benchmark": REPORT });
    await query("update agents set shared = true where id = $1", [shared.id]);
    onTestFinished(() => query("update agents set shared = false where id = $1", [shared.id]).then(() => {}));
    // The row says that an agent was heard of a moment after its link does.
    const { status, body } = await until(
      () => user.post("/api/system/benchmark"),
      ({ body }) => body.agents?.length !== 0,
    );
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      {
        ...{ agent_id: mine.id, device: "cpu", gpu_id: null, duration_ms: 1500, compute_dispatch_ms: 1.25 },
        ...{ buffer_copy_1mb_ms: 0.1, buffer_copy_16mb_ms: null, effective_bandwidth_1mb: "10.49 GB/s" },
        ...{ effective_bandwidth_16mb: null, effective_bandwidth_64mb: "500.00 MB/s" },
      },
    ]);
    expect((await user.get(`/api/system/metrics?agent_id=${shared.id}`)).status).toBe(200);
    const refused = await user.post(`/api/system/benchmark?agent_id=${shared.id}`);
    expect([refused.status, refused.body.code]).toEqual([403, "AGENT_NOT_YOURS"]);
    // Others may look at it meanwhile.
    expect(shared.asked).toContain("system.sample");
    expect(shared.asked).not.toContain("system.benchmark");
  });

  it("is refused while the agent is busy, away or has never heard of it", async () => {
    const user = await newUser();
    const agent = await connected(user, {});
    const ask = async () => {
      const { status, body } = await user.post(`/api/system/benchmark?agent_id=${agent.id}`);
      return [status, body.code];
    };
    expect(await ask()).toEqual([501, "COMMAND_UNKNOWN"]);
    agent.link.socket.removeAllListeners("message");
    agent.link.socket.on("message", (data) => {
      const { type, id } = JSON.parse(String(data));
      const reply = { ok: false as const, code: "BENCHMARK_BUSY", message: "Busy." };
      if (type === "command") agent.link.say({ type: "result", id, reply });
    });
    expect(await ask()).toEqual([409, "BENCHMARK_BUSY"]);
    agent.link.hangUp();
    await until(ask, ([, code]) => code === "AGENT_OFFLINE");
  });
});

describe("who may see", () => {
  it("an agent is its owner's, an administrator's, and everybody's once it is shared", async () => {
    const [owner, other, viewer, chief] = await Promise.all([newUser(), newUser(), newViewer(), newAdmin()]);
    const { id } = await connected(owner, { "system.sample": sampleOf() });
    const ask = async (user: User) => (await user.get(`/api/system/metrics?agent_id=${id}`)).status;
    expect([await ask(owner), await ask(chief), await ask(other), await ask(viewer)]).toEqual([
      200, 200, 404, 404,
    ]);
    await query("update agents set shared = true where id = $1", [id]);
    expect([await ask(other), await ask(viewer)]).toEqual([200, 200]);
    await query("update agents set shared = false where id = $1", [id]);
    expect((await owner.get("/api/system/metrics?agent_id=nonsense")).status).toBe(422);
  });
});

it("the platform's own agent tells of this machine, and measures it", async () => {
  const chief = await admin();
  const agents = (await chief.get("/api/agents?limit=1000")).body;
  const { id } = agents.find(({ name }: any) => name === "local");
  const { body: metrics } = await until(
    () => chief.get(`/api/system/metrics?agent_id=${id}`),
    ({ body }) => body.cpu_usage_percent !== null,
  );
  expect(metrics.memory_total_bytes).toBe(totalmem());
  expect(metrics.cpu_per_core).toHaveLength(cpus().length);
  const { body: info } = await chief.get(`/api/system/info?agent_id=${id}`);
  expect(info.agents[0]).toMatchObject({
    hostname: hostname(),
    limits: expect.any(Object),
    gpu_count: expect.any(Number),
  });
  const { body: history } = await until(
    () => chief.get(`/api/system/metrics/history?agent_id=${id}`),
    ({ body }) => body.timestamps.length >= 3,
  );
  expect(history.memory_history.every((value: number) => value > 0 && value < 100)).toBe(true);
  const { body: correlation } = await chief.get(`/api/system/correlation?agent_id=${id}`);
  expect(correlation.points.length).toBeGreaterThan(2);
  expect(correlation.statistics.cpu_memory.n).toBe(correlation.agents[0].process_count);
  const { status, body: benchmark } = await chief.post(`/api/system/benchmark?agent_id=${id}`);
  expect([status, benchmark.results[0]?.device]).toEqual([200, "cpu"]);
  expect(benchmark.results[0].buffer_copy_16mb_ms).toBeGreaterThan(0);
});

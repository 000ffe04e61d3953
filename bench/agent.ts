import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { spawn } from "@lydell/node-pty";
import WebSocket from "ws";
import { closedLoop, percentile, post } from "./load.ts";
import { type Bench, onPlatform } from "./setup.ts";
import { ms, number, type Row } from "./table.ts";

const KEYS = 300;
const WARM_KEYS = 30;
const CALLS = 300;
const LINES = 100_000;
const FLOOD_BYTES = 20_000_000;
/** What the terminal runs: everything typed comes back as it is, at once. */
const ECHO = "stty raw -echo; echo ready; exec cat\r";

interface Line {
  type(text: string): void;
  onText(take: (text: string) => void): void;
}

/** How long each key takes to come back, in milliseconds, ascending. */
async function echoes(line: Line): Promise<Float64Array> {
  let text = "";
  let wake = () => {};
  line.onText((more) => {
    text += more;
    wake();
  });
  const seen = async (part: string) => {
    while (!text.includes(part)) await new Promise<void>((resolve) => (wake = resolve));
  };
  line.type(ECHO);
  await seen("ready\n");
  const latencies: number[] = [];
  for (let i = 0; i < KEYS; i++) {
    const key = `<${i}>`;
    const startedAt = performance.now();
    line.type(key);
    await seen(key);
    if (i >= WARM_KEYS) latencies.push(performance.now() - startedAt);
    // As fast as nobody types, and slow enough for nothing to be waiting.
    await delay(5);
  }
  return Float64Array.from(latencies).sort();
}

async function bareEchoes(): Promise<Float64Array> {
  const pty = spawn("/bin/sh", [], { cols: 80, rows: 24 });
  try {
    return await echoes({ type: (text) => pty.write(text), onText: (take) => void pty.onData(take) });
  } finally {
    pty.kill("SIGKILL");
  }
}

/** The one agent of the platform, once it is there. */
async function agentOf({ client }: Bench): Promise<string> {
  for (;;) {
    const path = "/api/terminal/info";
    const { agents } = await client.ask<{ agents: { agent_id: string; available: boolean }[] }>({
      ...{ method: "GET", path },
    });
    const found = agents.find(({ available }) => available);
    if (found) return found.agent_id;
    await delay(200);
  }
}

/** Has `use` look at a new terminal. */
async function atTerminal<T>(bench: Bench, use: (socket: WebSocket) => Promise<T>): Promise<T> {
  const { ticket } = await bench.client.ask<{ ticket: string }>(
    post("/api/terminal/ticket", { agent_id: await agentOf(bench) }),
  );
  const address = `${bench.url.replace(/^http/, "ws")}/api/terminal?ticket=${ticket}`;
  const socket = new WebSocket(address, { perMessageDeflate: false });
  await once(socket, "open");
  try {
    return await use(socket);
  } finally {
    socket.terminate();
  }
}

const terminalEchoes = (bench: Bench): Promise<Float64Array> =>
  atTerminal(bench, (socket) =>
    echoes({
      type: (text) => socket.send(text),
      onText: (take) => void socket.on("message", (data) => take(String(data))),
    }),
  );

/** How much a program can say in a second, in MB. */
const flood = (bench: Bench): Promise<number> =>
  atTerminal(bench, async (socket) => {
    let bytes = 0;
    const startedAt = performance.now();
    const done = new Promise<void>((resolve) => {
      socket.on("message", (data) => {
        bytes += String(data).length;
        if (bytes > FLOOD_BYTES) resolve();
      });
    });
    socket.send("yes 01234567890123456789012345678901234567890123456789012345678901234567890123456789\r");
    await done;
    const seconds = (performance.now() - startedAt) / 1000;
    // Or it would go on beside whatever is measured next.
    socket.send("\u0003exit\r");
    await once(socket, "close");
    return bytes / 1e6 / seconds;
  });

/** A program that prints, on the agent, and how fast its lines come to somebody who watches. */
async function logLines(bench: Bench): Promise<Row> {
  const command = { argv: ["seq", "1", String(LINES)] };
  const config = { epochs: 1, batch_size: 1, learning_rate: 0.1 };
  const run = { name: "lines", model_type: "script", kind: "command", command, config };
  const { id } = await bench.client.ask<{ id: string }>(post("/api/training/runs", run));
  const address = `${bench.url.replace(/^http/, "ws")}/api/training/runs/${id}/stream?since=0`;
  const socket = new WebSocket(address, ["myelin.stream", `bearer.${bench.accessToken}`]);
  let seen = 0;
  let firstAt = 0;
  const seconds = await new Promise<number>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data)) as { type: string; data: { lines?: unknown[] } };
      if (frame.type !== "log") return;
      firstAt ||= performance.now();
      seen += frame.data.lines?.length ?? 1;
      if (seen >= LINES) resolve((performance.now() - firstAt) / 1000);
    });
  });
  socket.terminate();
  return {
    what: `${number(LINES)} log lines of a job, to a watcher`,
    measured: `${number(LINES / seconds)} lines/s`,
  };
}

/** A question to the machine behind the agent, next to one the Worker answers alone. */
async function roundTrips(bench: Bench): Promise<Row[]> {
  const ask = (path: string) =>
    closedLoop(1, { calls: CALLS }, () => bench.client.send({ method: "GET", path }));
  const agentId = await agentOf(bench);
  const through = await ask(`/api/system/metrics/history?span=minute&agent_id=${agentId}`);
  const status = await ask(`/api/agents/${agentId}/status`);
  return [
    row("command to the agent and back, over HTTP", through.latencies),
    row("the same without the agent (its status)", status.latencies),
  ];
}

const row = (what: string, latencies: Float64Array): Row => ({
  what,
  measured: `p50 ${ms(percentile(latencies, 0.5))}, p95 ${ms(percentile(latencies, 0.95))}`,
});

/** What a machine behind a link costs, next to the same without one. */
export const agent = (workerDir: string): Promise<Row[]> =>
  onPlatform(workerDir, { agent: true }, async (bench) => {
    await bench.query("update users set role = 'admin' where role <> 'admin'");
    const bare = await bareEchoes();
    const through = await terminalEchoes(bench);
    const flow = await flood(bench);
    await bench.client.ask({
      ...post(`/api/agents/${await agentOf(bench)}`, { record_terminals: true }),
      method: "PUT",
    });
    const recorded = await terminalEchoes(bench);
    const recordedFlow = await flood(bench);
    return [
      ...(await roundTrips(bench)),
      row("terminal, key to echo", through),
      row("the same, recorded", recorded),
      {
        what: "terminal, output (recorded)",
        measured: `${flow.toFixed(1)} (${recordedFlow.toFixed(1)}) MB/s`,
      },
      row("bare pseudo-terminal, key to echo", bare),
      await logLines(bench),
    ];
  });

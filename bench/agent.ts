import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { spawn } from "@lydell/node-pty";
import WebSocket from "ws";
import { percentile, post } from "./load.ts";
import { type Bench, onPlatform } from "./setup.ts";
import { ms, type Row } from "./table.ts";

const KEYS = 300;
const WARM_KEYS = 30;
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

async function terminalEchoes(bench: Bench): Promise<Float64Array> {
  const { ticket } = await bench.client.ask<{ ticket: string }>(
    post("/api/terminal/ticket", { agent_id: await agentOf(bench) }),
  );
  const address = `${bench.url.replace(/^http/, "ws")}/api/terminal?ticket=${ticket}`;
  const socket = new WebSocket(address, { perMessageDeflate: false });
  await once(socket, "open");
  try {
    return await echoes({
      type: (text) => socket.send(text),
      onText: (take) => void socket.on("message", (data) => take(String(data))),
    });
  } finally {
    socket.terminate();
  }
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
    return [row("terminal, key to echo", through), row("bare pseudo-terminal, key to echo", bare)];
  });

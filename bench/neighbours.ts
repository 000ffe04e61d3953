import { setTimeout as delay } from "node:timers/promises";
import { type Call, type Client, closedLoop, inTurns, type Load, median, percentile, post } from "./load.ts";
import { deployIris, ROW } from "./predict.ts";
import { type Bench, onPlatform } from "./setup.ts";
import { atMost, ms, type Row, times } from "./table.ts";

const ROUNDS = 5;
const ROUND_SECONDS = 2;

/** What a JavaScript cell can do at its worst, over and over. */
const BOMBS = {
  "an endless loop": "",
  "memory by the megabyte": "const s = []; for (let i = 0; i < 500; i++) s.push(new Array(1000).fill(i)); ",
  "a catastrophic regular expression": "/(a+)+$/.test('a'.repeat(40) + 'b')",
  recursion: "(function r(n) { return 1 + r(n + 1) })(0)",
};

/** Calls while somebody's cell does `source` over and over. */
async function beside(bomber: Client, source: string, load: () => Promise<Load>): Promise<Load> {
  const cells = [{ source: `for (;;) { try { ${source} } catch {} }` }];
  const { id } = await bomber.ask<{ id: string }>(post("/api/notebooks", { name: "bomb", cells }));
  const path = `/api/notebooks/${id}`;
  await bomber.send(post(`${path}/start`, {}));
  const kernel = { method: "GET", path: `${path}/kernel` };
  while ((await bomber.ask<{ kernel: string }>(kernel)).kernel !== "busy") await delay(50);
  try {
    return await load();
  } finally {
    await bomber.send(post(`${path}/stop`, {}));
  }
}

async function bomb(bench: Bench, bomber: Client, call: Call, name: string, source: string): Promise<Row> {
  const load = () => closedLoop(1, { seconds: ROUND_SECONDS }, () => bench.client.send(call));
  const p50 = ({ latencies }: Load) => percentile(latencies, 0.5);
  const pairs = await inTurns(ROUNDS, () => beside(bomber, source, load), load);
  const ratio = median(pairs.map(([beside, alone]) => p50(beside) / p50(alone)));
  const [besideMs, aloneMs] = ([0, 1] as const).map((which) => median(pairs.map((pair) => p50(pair[which]))));
  return {
    what: `predict beside a cell with ${name}, p50 over alone`,
    measured: `${times(ratio)} (${ms(besideMs!)} over ${ms(aloneMs!)})`,
    target: atMost(ratio, 2, "×"),
  };
}

/** What somebody's predictions feel of somebody else's JavaScript cells that do their worst. */
export const neighbours = (workerDir: string): Promise<Row[]> =>
  onPlatform(workerDir, { agent: true }, async (bench) => {
    const call = post(await deployIris(bench), { inputs: [ROW] });
    const bomber = await bench.anotherClient();
    try {
      const rows: Row[] = [];
      for (const [name, source] of Object.entries(BOMBS))
        rows.push(await bomb(bench, bomber, call, name, source));
      return rows;
    } finally {
      bomber.close();
    }
  });

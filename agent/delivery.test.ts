import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Delivery } from "./delivery.ts";
import { Journal } from "./journal.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "myelin-delivery-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const LINES = Array.from({ length: 25 }, (_, i) => `line ${i}`);
const never = new AbortController().signal;

/** A server that stores a batch once per key, and can be cut off before or after it stored. */
class Server {
  readonly stored: string[] = [];
  readonly #keys = new Set<string>();
  #calls = 0;
  readonly #cut: { call: number; when: "before" | "after" };

  constructor(cut: { call: number; when: "before" | "after" }) {
    this.#cut = cut;
  }

  async take(lines: string[], first: number, until: number): Promise<void> {
    const isCut = this.#calls++ === this.#cut.call;
    if (isCut && this.#cut.when === "before") throw new Error("cut");
    const key = `${first}-${until}`;
    if (!this.#keys.has(key)) this.stored.push(...lines);
    this.#keys.add(key);
    if (isCut) throw new Error("cut");
  }
}

/** Says all lines again from the first, as a restarted training does, in bursts of `burst`. */
async function attempt(server: Server, burst: number, count = LINES.length): Promise<void> {
  const delivery = new Delivery<string>({
    journal: new Journal(join(folder, "journal")),
    send: (lines, first, until) => server.take(lines, first, until),
  });
  const sent = delivery.run(never);
  sent.catch(() => undefined);
  for (let i = 0; i < count; i++) {
    await delivery.push(LINES[i]!);
    if (i % burst === burst - 1) await new Promise((resolve) => setTimeout(resolve, 110));
  }
  delivery.end();
  await sent;
}

it.each([
  { call: 0, when: "before" },
  { call: 0, when: "after" },
  { call: 1, when: "before" },
  { call: 1, when: "after" },
] as const)("stores every line once when call $call is cut off $when it is stored", async (cut) => {
  const server = new Server(cut);
  await expect(attempt(server, 10)).rejects.toThrow("cut");
  // The second life says its lines in other bursts; the batch that was under way keeps its borders all the same.
  await attempt(server, 7);
  expect(server.stored).toEqual(LINES);
});

it("says nothing again that the journal has as stored", async () => {
  const server = new Server({ call: -1, when: "before" });
  await attempt(server, 30);
  await attempt(server, 30);
  expect(server.stored).toEqual(LINES);
});

it("makes the source wait while the server does not take anything", async () => {
  const blocked = new Delivery<number>({
    journal: new Journal(join(folder, "journal")),
    send: () => new Promise(() => undefined),
  });
  void blocked.run(never);
  let pushed = 0;
  void (async () => {
    for (; pushed < 50_000; pushed++) await blocked.push(pushed);
  })();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(pushed).toBeLessThanOrEqual(10_000);
});

it("cuts batches that no request could carry, and bounds what waits by its size too", async () => {
  const sizes: number[] = [];
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  const delivery = new Delivery<string>({
    journal: new Journal(join(folder, "journal")),
    send: async (lines) => {
      await opened;
      sizes.push(Buffer.byteLength(JSON.stringify(lines)));
    },
  });
  const sent = delivery.run(never);
  // Each of these characters takes six bytes.
  const line = "\u0001".repeat(16_000);
  let pushed = 0;
  const saying = (async () => {
    for (; pushed < 400; pushed++) await delivery.push(line);
  })();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(pushed).toBeLessThan(200);
  open();
  await saying;
  delivery.end();
  await sent;
  expect(Math.max(...sizes)).toBeLessThan(2_100_000);
  expect(sizes.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(400 * 96_000);
});

it("stops waiting for lines when it is told to stop", async () => {
  const stop = new AbortController();
  const delivery = new Delivery<string>({
    journal: new Journal(join(folder, "journal")),
    send: async () => undefined,
  });
  const run = delivery.run(stop.signal);
  stop.abort(new Error("told to"));
  await expect(run).rejects.toThrow("told to");
});

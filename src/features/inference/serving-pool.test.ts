import { describe, expect, it } from "vitest";
import type { MinuteFigures, ModelRuntime, ModelSignature, Tensor } from "../../kernel/ports/model-pools.ts";
import type { PoolStore, StoredEndpoint, StoredModel } from "./pool-store.ts";
import { IDLE_MS, ServingPool } from "./serving-pool.ts";

const FILE = { versionId: "v", blobKey: "k", sizeBytes: 3 };
const LIMITS = { maxConcurrent: 2, maxBatchRows: 10, timeoutMs: 1000 };
const START = 1_800_000_000_000;

const SIGNATURE: ModelSignature = {
  inputs: [{ name: "x", type: "float32", shape: ["n", 1] }],
  outputs: [{ name: "y", type: "float32", shape: ["n", 1] }],
  task: null,
  labels: null,
  features: null,
  layerCount: 1,
};

const row = (value: number): Record<string, Tensor> => ({
  x: { type: "float32", shape: [1, 1], data: Float32Array.of(value) },
});

function memoryStore() {
  const endpoints = new Map<string, StoredEndpoint>();
  const kept: { model: StoredModel | undefined; lastUsedAt: number } = { model: undefined, lastUsedAt: 0 };
  const store: PoolStore = {
    model: () => kept.model,
    saveModel: (model) => (kept.model = model),
    endpoints: () => structuredClone([...endpoints]),
    saveEndpoint: (id, endpoint) => void endpoints.set(id, structuredClone(endpoint)),
    saveFigures: (id, endpoint) => void endpoints.set(id, structuredClone(endpoint)),
    removeEndpoint: (id) => void endpoints.delete(id),
    lastUsedAt: () => kept.lastUsedAt,
    saveLastUsedAt: (at) => (kept.lastUsedAt = at),
    clear() {
      endpoints.clear();
      kept.model = undefined;
    },
  };
  return { store, endpoints, kept };
}

/** A pool in a world of its own: time moves by `pass`, which fires what is due. */
function world(options: { file?: Uint8Array | null; gate?: Promise<void>; isClockRunning?: boolean } = {}) {
  const clock = { now: START };
  let timers: { at: number; work: () => void }[] = [];
  const loaded = new Set<string>();
  const seen = {
    loads: 0,
    alarm: undefined as number | undefined,
    minutes: [] as MinuteFigures[],
    recorderFails: false,
  };
  const runtime: ModelRuntime = {
    isLoaded: (id) => loaded.has(id),
    load: async (id) => {
      seen.loads += 1;
      loaded.add(id);
      return { ok: true, signature: SIGNATURE };
    },
    run: async (id, inputs) => {
      await options.gate;
      if (!loaded.has(id)) return { ok: false, reason: "not_loaded", message: "" };
      const x = inputs.x!;
      if ((x.data as Float32Array).includes(13)) return { ok: false, reason: "failed", message: "13" };
      return { ok: true, outputs: { y: { ...x, data: (x.data as Float32Array).map((value) => value + 1) } } };
    },
    release: async (id) => void loaded.delete(id),
  };
  const { file = new Uint8Array(3) } = options;
  const memory = memoryStore();
  const open = () =>
    new ServingPool(
      memory.store,
      {
        now: () => clock.now,
        isClockRunning: options.isClockRunning ?? false,
        later: (ms, work) => {
          const timer = { at: clock.now + ms, work };
          timers.push(timer);
          if (ms === 0) setTimeout(() => timers.includes(timer) && fire(timer), 0);
          return () => void (timers = timers.filter((other) => other !== timer));
        },
        wakeAt: (at) => void (seen.alarm = at),
      },
      {
        blobs: {
          get: async () => (file ? new Blob([file as Uint8Array<ArrayBuffer>]).stream() : undefined),
        },
        runtime,
        recordMinutes: async (rows) => {
          if (seen.recorderFails) throw new Error("no database");
          seen.minutes.push(...rows);
        },
        log: () => {},
      },
    );
  const fire = (timer: { work: () => void }) => {
    timers = timers.filter((other) => other !== timer);
    timer.work();
  };
  const pass = async (ms: number) => {
    clock.now += ms;
    for (const timer of timers.filter(({ at }) => at <= clock.now).sort((a, b) => a.at - b.at)) fire(timer);
    await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return { open, pass, seen, loaded, clock, ...memory };
}

async function started(options?: Parameters<typeof world>[0]) {
  const all = world(options);
  const pool = all.open();
  await pool.start("e", FILE, LIMITS);
  return { pool, ...all };
}

describe("ServingPool", () => {
  it("refuses endpoints that were not started", async () => {
    const { pool } = await started();
    expect(await pool.predict("other", row(1))).toMatchObject({ ok: false, reason: "not_running" });
  });

  it("says why a model cannot be loaded, and does not let calls in", async () => {
    for (const [file, reason] of [
      [null, /missing/],
      [new Uint8Array(2), /another size/],
      [new Uint8Array(4), /another size/],
    ] as const) {
      const pool = world({ file }).open();
      expect(await pool.start("e", FILE, LIMITS)).toMatchObject({
        ok: false,
        reason: expect.stringMatching(reason),
      });
      expect(await pool.predict("e", row(1))).toMatchObject({ reason: "not_running" });
    }
  });

  it("serves again after eviction, loading the model by itself, with its figures", async () => {
    const { pool, open, pass, loaded, seen } = await started();
    await pool.predict("e", row(1));
    await pass(1000);
    loaded.clear();
    const again = open();
    expect(await again.predict("e", row(2))).toMatchObject({ ok: true });
    expect(seen.loads).toBe(2);
    await pass(1000);
    expect(again.figures("e")).toMatchObject({ requestsSuccess: 2, uptimeSeconds: 2 });
  });

  it("loads once for all who wait", async () => {
    const { pool, loaded, seen } = await started();
    loaded.clear();
    await Promise.all([
      pool.predict("e", row(1)),
      pool.start("f", FILE, LIMITS),
      pool.start("g", FILE, LIMITS),
    ]);
    expect(seen.loads).toBe(2);
  });

  it("turns calls away beyond the limit, and takes a new limit at once", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const { pool } = await started({ gate });
    const first = [pool.predict("e", row(1)), pool.predict("e", row(2))];
    expect(await pool.predict("e", row(3))).toMatchObject({ ok: false, reason: "busy" });
    expect(pool.setLimits("e", { ...LIMITS, maxConcurrent: 3 })).toBe(true);
    first.push(pool.predict("e", row(4)));
    open();
    expect((await Promise.all(first)).every(({ ok }) => ok)).toBe(true);
    expect(pool.figures("e")).toMatchObject({ requestsRefused: 1, inFlight: 0 });
  });

  it("counts bad input and failures as errors, and checks before it joins", async () => {
    const { pool, pass } = await started();
    const wide = { x: { type: "float32" as const, shape: [1, 2], data: new Float32Array(2) } };
    const replies = await Promise.all([pool.predict("e", row(1)), pool.predict("e", wide)]);
    expect(replies).toMatchObject([{ ok: true }, { ok: false, reason: "invalid_input" }]);
    expect(await pool.predict("e", row(13))).toMatchObject({ ok: false, reason: "failed" });
    pool.countInvalid("e");
    await pass(0);
    expect(pool.figures("e")).toMatchObject({ requestsSuccess: 1, requestsError: 3, errorRate: 0.75 });
  });

  it("lets calls under way finish before a stop is done, and no new ones in", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const { pool, loaded } = await started({ gate });
    const call = pool.predict("e", row(1));
    let isStopped = false;
    const stop = pool.stop("e").then(() => (isStopped = true));
    expect(await pool.predict("e", row(1))).toMatchObject({ reason: "not_running" });
    expect(isStopped).toBe(false);
    open();
    expect(await call).toMatchObject({ ok: true });
    await stop;
    expect(loaded.size).toBe(0);
    expect(pool.figures("e")).toBeNull();
  });

  it("gives a stop up waiting after ten seconds", async () => {
    const { pool, pass } = await started({ gate: new Promise(() => {}) });
    void pool.predict("e", row(1));
    const stop = pool.stop("e");
    await pass(10_000);
    await expect(stop).resolves.toBeUndefined();
  });

  it("does not restart its figures when started while running", async () => {
    const { pool, pass } = await started();
    await pool.predict("e", row(1));
    await pass(5000);
    await pool.start("e", FILE, LIMITS);
    expect(pool.figures("e")).toMatchObject({ requestsSuccess: 1, uptimeSeconds: 5 });
  });

  it("stores nothing on a call's way, and at most once a second", async () => {
    const { pool, pass, endpoints } = await started();
    await pass(1000);
    const before = endpoints.get("e");
    for (let i = 0; i < 20; i++) await pool.predict("e", row(i));
    expect(endpoints.get("e")).toBe(before);
    // Calls are counted in the turn after them, and written down a second later.
    await pass(0);
    await pass(1000);
    expect(endpoints.get("e")?.figures).toMatchObject({ success: 19, error: 1 });
  });

  it("counts a call at once where the clock runs on, and in the next turn where it stands still", async () => {
    for (const isClockRunning of [true, false]) {
      const { pool, pass } = await started({ isClockRunning });
      await pool.predict("e", row(1));
      expect(pool.figures("e")?.requestsSuccess).toBe(isClockRunning ? 1 : 0);
      await pass(0);
      expect(pool.figures("e")?.requestsSuccess).toBe(1);
    }
  });

  it("writes each minute once it is over, and keeps it while the database is away", async () => {
    const { pool, pass, seen, clock } = await started();
    await pool.predict("e", row(1));
    await pass(1000);
    expect(seen.alarm).toBe(Math.floor(START / 60_000) * 60_000 + 60_500);
    clock.now = seen.alarm!;
    seen.recorderFails = true;
    await pool.onAlarm();
    expect(seen.alarm).toBe(clock.now + 30_000);
    seen.recorderFails = false;
    clock.now = seen.alarm!;
    await pool.onAlarm();
    expect(seen.minutes).toMatchObject([{ endpointId: "e", requestsSuccess: 1, requestsError: 0 }]);
  });

  it("lets go of an idle model, stays started, and loads it again", async () => {
    const { pool, pass, seen, clock, loaded } = await started();
    await pool.predict("e", row(1));
    await pass(1000);
    for (let i = 0; i < 10 && loaded.size > 0; i++) {
      clock.now = seen.alarm!;
      await pool.onAlarm();
    }
    expect(clock.now - START).toBeGreaterThanOrEqual(IDLE_MS);
    expect(clock.now - START).toBeLessThan(IDLE_MS + 2000);
    expect(loaded.size).toBe(0);
    expect(await pool.predict("e", row(1))).toMatchObject({ ok: true });
  });

  it("keeps one minute whole across a stop and start, and forgets everything in the end", async () => {
    const { pool, pass, seen, clock, endpoints, kept } = await started();
    await pool.predict("e", row(1));
    await pass(0);
    await pool.stop("e");
    await pool.start("e", FILE, LIMITS);
    await pool.predict("e", row(1));
    await pass(0);
    await pool.stop("e");
    expect(seen.minutes.map(({ requestsSuccess }) => requestsSuccess)).toEqual([1, 2]);
    clock.now = seen.alarm!;
    await pool.onAlarm();
    expect([endpoints.size, kept.model]).toEqual([0, undefined]);
  });
});

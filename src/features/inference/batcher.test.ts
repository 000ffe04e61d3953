import { describe, expect, it } from "vitest";
import type { PredictReply, Tensor } from "../../kernel/ports/model-pools.ts";
import { Batcher, type Call, planRuns } from "./batcher.ts";

const rows = (...values: number[]): Record<string, Tensor> => ({
  x: { type: "float32", shape: [values.length, 1], data: Float32Array.from(values) },
});

const call = (inputs: Record<string, Tensor>, over: Partial<Call> = {}): Call => ({
  inputs,
  rows: inputs.x!.shape[0],
  maxRows: 100,
  deadline: Number.POSITIVE_INFINITY,
  ...over,
});

/** Always waits for company, which the real window does only where there is some. */
const ALWAYS = { waits: () => true, gathered: () => undefined };

/** A model that doubles each value and cannot digest 13. */
function doubling() {
  const runs: number[][] = [];
  let now = 0;
  const batcher = new Batcher(
    {
      now: () => now,
      soon: (work) => void setTimeout(work, 0),
      run: async ({ x }) => {
        const values = [...(x!.data as Float32Array)];
        runs.push(values);
        if (values.includes(13)) return { ok: false, reason: "failed", message: "13" };
        const data = Float32Array.from(values, (value) => value * 2);
        return { ok: true, outputs: { y: { type: "float32", shape: [...x!.shape], data } }, computeMs: 0 };
      },
    },
    ALWAYS,
  );
  return { batcher, runs, advance: (ms: number) => (now += ms) };
}

const valuesOf = (reply: PredictReply): number[] | string =>
  reply.ok ? [...(reply.outputs.y!.data as Float32Array)] : reply.reason;

describe("Batcher", () => {
  it("runs calls that arrive together as one, and gives everybody their own rows", async () => {
    const { batcher, runs } = doubling();
    const replies = await Promise.all(
      [rows(1), rows(2, 3), rows(4)].map((inputs) => batcher.submit(call(inputs))),
    );
    expect(runs).toEqual([[1, 2, 3, 4]]);
    expect(replies.map(valuesOf)).toEqual([[2], [4, 6], [8]]);
    // Views of one buffer would carry everybody's rows over RPC.
    for (const reply of replies)
      expect(reply.ok && (reply.outputs.y!.data as Float32Array).buffer.byteLength).toBeLessThan(16);
  });

  it("does not let one call's poison spoil its neighbours", async () => {
    const { batcher, runs } = doubling();
    const replies = await Promise.all(
      [rows(1), rows(13), rows(2)].map((inputs) => batcher.submit(call(inputs))),
    );
    expect(replies.map(valuesOf)).toEqual([[2], "failed", [4]]);
    expect(runs).toEqual([[1, 13, 2], [1], [13], [2]]);
  });

  it("joins only calls of one kind, within everybody's limit of rows", () => {
    const wide: Record<string, Tensor> = { x: { type: "float32", shape: [1, 2], data: new Float32Array(2) } };
    const calls = [
      call(rows(1)),
      call(wide),
      call(rows(2)),
      call(rows(3), { rows: undefined }),
      call(rows(4, 5), { maxRows: 3 }),
      call(rows(6), { maxRows: 1 }),
    ];
    expect(planRuns(calls).map((run) => run.map((one) => calls.indexOf(one)))).toEqual([
      [0, 2],
      [1],
      [3],
      [4],
      [5],
    ]);
  });

  it("turns calls away whose time ran out while they waited", async () => {
    const { batcher, runs, advance } = doubling();
    const late = batcher.submit(call(rows(1), { deadline: 10 }));
    const inTime = batcher.submit(call(rows(2), { deadline: 1000 }));
    advance(50);
    expect(valuesOf(await late)).toBe("timeout");
    expect(valuesOf(await inTime)).toEqual([4]);
    expect(runs).toEqual([[2]]);
  });

  it("stops joining for a model whose answer has no entry for each row", async () => {
    const runs: number[] = [];
    const batcher = new Batcher(
      {
        now: () => 0,
        soon: (work) => void setTimeout(work, 0),
        run: async ({ x }) => {
          runs.push(x!.data.length);
          return {
            ok: true,
            outputs: { y: { type: "float32", shape: [1], data: new Float32Array(1) } },
            computeMs: 0,
          };
        },
      },
      ALWAYS,
    );
    const both = () => Promise.all([batcher.submit(call(rows(1))), batcher.submit(call(rows(2)))]);
    await both();
    await both();
    expect(runs).toEqual([2, 1, 1, 1, 1]);
  });

  it("hands an unexpected error to the call it belongs to and goes on", async () => {
    let isFirst = true;
    const batcher = new Batcher(
      {
        now: () => 0,
        soon: (work) => void setTimeout(work, 0),
        run: async () => {
          if (isFirst) {
            isFirst = false;
            throw new Error("broken");
          }
          return { ok: true, outputs: {}, computeMs: 0 };
        },
      },
      ALWAYS,
    );
    await expect(batcher.submit(call(rows(1)))).rejects.toThrow("broken");
    await expect(batcher.submit(call(rows(1)))).resolves.toMatchObject({ ok: true });
  });
});

it("lets a lone call through at once", async () => {
  let waited = 0;
  const batcher = new Batcher({
    now: () => 0,
    soon: (work) => void (waited++, setTimeout(work, 0)),
    run: async () => ({ ok: true, outputs: {}, computeMs: 0 }),
  });
  for (let i = 0; i < 10; i++) await batcher.submit({ inputs: {}, rows: 1, maxRows: 10, deadline: 1 });
  expect(waited).toBe(0);
});

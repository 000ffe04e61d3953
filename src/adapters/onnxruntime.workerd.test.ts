import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import * as native from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  encodeModel,
  floatTensor,
  intAttribute,
  node,
  stringsAttribute,
  valueInfo,
} from "../kernel/formats/onnx-encode.ts";
import type { LoadReply, RunReply } from "../kernel/ports/model-pools.ts";

/** The adapter leans on how onnxruntime-web starts; this shows, in workerd itself, that it still does. */
const ENTRY = `
import { onnxRuntime } from ${JSON.stringify(join(import.meta.dirname, "onnxruntime.ts"))};
const arrays = { float32: Float32Array, int64: BigInt64Array };
const revive = (inputs) => Object.fromEntries(Object.entries(inputs).map(([name, { type, shape, data }]) => {
  const values = type === "int64" ? data.map(BigInt) : data;
  return [name, { type, shape, data: arrays[type] ? arrays[type].from(values) : values }];
}));
const flat = (reply) => reply.ok ? { ok: true, outputs: Object.fromEntries(Object.entries(reply.outputs).map(
  ([name, { type, shape, data }]) => [name, { type, shape, data: Array.from(data, (v) => typeof v === "bigint" ? Number(v) : v) }])) } : reply;
export default { async fetch(request) {
  const url = new URL(request.url), id = url.searchParams.get("id");
  if (url.pathname === "/load") return Response.json(await onnxRuntime.load(id, new Uint8Array(await request.arrayBuffer())));
  if (url.pathname === "/loaded") return Response.json(onnxRuntime.isLoaded(id));
  const calls = await request.json();
  return Response.json(await Promise.all(calls.map(async (call) => flat(await onnxRuntime.run(call.id, revive(call.inputs))))));
} };`;

let folder: string;
let miniflare: Miniflare;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "myelin-ort-"));
  await build({
    stdin: { contents: ENTRY, resolveDir: import.meta.dirname },
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*"],
    loader: { ".wasm": "copy" },
  });
  const files = (await readdir(folder)).sort((a) => (a === "worker.js" ? -1 : 1));
  const modules = files.map((file) => ({
    type: file.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
    path: join(folder, file),
  }));
  const options = { modules, modulesRoot: folder, compatibilityDate: "2026-10-20", cf: false };
  miniflare = new Miniflare(
    convertV4MiniflareOptions({ ...options, compatibilityFlags: ["nodejs_compat"] } as V4MiniflareOptions),
  );
  await miniflare.ready;
}, 60_000);

afterAll(async () => {
  await miniflare?.dispose();
  await rm(folder, { recursive: true, force: true });
});

const ask = async <T>(path: string, body?: string | Uint8Array<ArrayBuffer>): Promise<T> => {
  const response = await miniflare.dispatchFetch(`http://worker${path}`, {
    method: "POST",
    body: body ?? "[]",
  });
  return (await response.json()) as T;
};

const load = (id: string, model: Uint8Array) =>
  ask<LoadReply>(`/load?id=${id}`, model as Uint8Array<ArrayBuffer>);

interface JsonTensor {
  type: string;
  shape: number[];
  data: unknown[];
}
type Reply = { ok: true; outputs: Record<string, JsonTensor> } | Exclude<RunReply, { ok: true }>;

const run = (calls: { id: string; inputs: Record<string, JsonTensor> }[]) =>
  ask<Reply[]>("/run", JSON.stringify(calls));

const noise = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233));

/** A layer wide enough for its weights to be lent rather than copied. */
const dense = (width: number, weights = noise(width * width, 1)): Uint8Array =>
  encodeModel({
    irVersion: 8,
    producerName: "test",
    opsets: { "": 17 },
    metadata: {},
    graph: {
      name: "g",
      nodes: [
        node("MatMul", ["x", "w"], ["h"]),
        node("Softmax", ["h"], ["p"], [intAttribute("axis", 1)]),
        node("ArgMax", ["h"], ["c"], [intAttribute("axis", 1), intAttribute("keepdims", 0)]),
      ],
      initializers: [floatTensor("w", [width, width], weights)],
      inputs: [valueInfo("x", "float", ["n", width])],
      outputs: [valueInfo("p", "float", ["n", width]), valueInfo("c", "int64", ["n"])],
    },
  });

const encoder = (): Uint8Array =>
  encodeModel({
    irVersion: 8,
    producerName: "test",
    opsets: { "": 17, "ai.onnx.ml": 3 },
    metadata: {},
    graph: {
      name: "g",
      nodes: [
        node(
          "OneHotEncoder",
          ["s"],
          ["y"],
          [stringsAttribute("cats_strings", ["a", "ü"]), intAttribute("zeros", 1)],
          "ai.onnx.ml",
        ),
      ],
      initializers: [],
      inputs: [valueInfo("s", "string", ["n"])],
      outputs: [valueInfo("y", "float", ["n", 2])],
    },
  });

/** One of which only the size matters. */
const large = (width: number): Uint8Array => dense(width, new Float32Array(width * width).fill(0.5));

describe("onnxruntime-web in workerd", () => {
  it("answers as the native runtime does", async () => {
    const model = dense(100);
    expect(await load("dense", model)).toMatchObject({
      ok: true,
      signature: {
        inputs: [{ name: "x", type: "float32", shape: ["n", 100] }],
        outputs: [{ name: "p" }, { name: "c", type: "int64" }],
      },
    });
    const data = noise(300, 5);
    const [reply] = await run([
      { id: "dense", inputs: { x: { type: "float32", shape: [3, 100], data: [...data] } } },
    ]);
    const session = await native.InferenceSession.create(model);
    const truth = await session.run({ x: new native.Tensor("float32", data, [3, 100]) });
    if (!reply?.ok) throw new Error(reply?.message);
    const expected = Array.from(truth.p!.data as Float32Array);
    reply.outputs.p!.data.forEach((value, i) =>
      expect(Math.abs((value as number) - expected[i]!)).toBeLessThan(1e-5),
    );
    expect(reply.outputs.c).toEqual({
      type: "int64",
      shape: [3],
      data: Array.from(truth.c!.data as BigInt64Array, Number),
    });
  });

  it("takes texts", async () => {
    await load("encoder", encoder());
    const [reply] = await run([
      { id: "encoder", inputs: { s: { type: "string", shape: [3], data: ["ü", "?", "a"] } } },
    ]);
    expect(reply).toMatchObject({ ok: true, outputs: { y: { data: [0, 1, 0, 0, 1, 0] } } });
  });

  it("keeps calls of several models apart that run at the same time", async () => {
    await Promise.all([load("one", dense(60)), load("two", dense(60, noise(3600, 2)))]);
    const call = (id: string, seed: number) => ({
      id,
      inputs: { x: { type: "float32", shape: [1, 60], data: [...noise(60, seed)] } },
    });
    const calls = Array.from({ length: 40 }, (_, i) => call(i % 2 ? "one" : "two", i % 5));
    const together = await run(calls);
    for (const [i, single] of calls.entries()) expect(together[i]).toEqual((await run([single]))[0]);
  });

  it("says what is wrong with a file or a call, and goes on", async () => {
    expect(await load("junk", new TextEncoder().encode("junk, not a model"))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/not a model that can be served/),
    });
    expect(await load("cut", dense(100).subarray(0, 20_000))).toMatchObject({ ok: false });
    const [unknown, wide] = await run([
      { id: "nobody", inputs: {} },
      { id: "one", inputs: { x: { type: "float32", shape: [1, 2], data: [1, 2] } } },
    ]);
    expect(unknown).toMatchObject({ ok: false, reason: "not_loaded" });
    expect(wide).toMatchObject({ ok: false, reason: "failed" });
  });

  it("pushes old models out for new ones, loads the largest allowed, and survives one that is too large", async () => {
    const big = large(1700);
    for (let i = 0; i < 6; i++) expect(await load(`big${i}`, big)).toMatchObject({ ok: true });
    expect(await ask<boolean>("/loaded?id=big0")).toBe(false);
    expect(await load("largest", large(2700))).toMatchObject({ ok: true });
    expect(await load("monster", large(4200))).toMatchObject({
      ok: false,
      reason: expect.stringMatching(/not enough memory/),
    });
    expect(await load("dense", dense(100))).toMatchObject({ ok: true });
    const [reply] = await run([
      { id: "dense", inputs: { x: { type: "float32", shape: [1, 100], data: [...noise(100, 1)] } } },
    ]);
    expect(reply).toMatchObject({ ok: true });
  }, 60_000);
});

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bytesSource, MalformedFile } from "./byte-source.ts";
import { type NumberType, toNumbers } from "./elements.ts";
import type { ModelFile } from "./model-file.ts";
import { readModelFile, recognize } from "./recognize.ts";
import { collected } from "./streams.ts";

const FIXTURES = "test/fixtures/formats";
const file = (name: string): Uint8Array => readFileSync(`${FIXTURES}/${name}`);
const read = (name: string): Promise<ModelFile> => readModelFile(bytesSource(file(name)));

interface Told {
  shape: number[];
  values: number[];
}
/** What the libraries that made the files say is in them. */
const EXPECTED = JSON.parse(readFileSync(`${FIXTURES}/expected.json`, "utf8")) as Record<
  string,
  Record<string, Told>
>;

async function contentOf({ tensors }: ModelFile): Promise<Record<string, Told>> {
  const content: Record<string, Told> = {};
  for (const { name, shape, dtype, bytes, read: open } of tensors) {
    if (!/^[A-Z0-9]+$/.test(dtype)) continue;
    const values = [...toNumbers(dtype as NumberType, await collected(open(), bytes))];
    content[name] = { shape, values };
  }
  return content;
}

describe("a file is known by its content, and holds what the library that made it put in", () => {
  it.each([
    ["stored.npz", "npz"],
    ["deflated.npz", "npz"],
    ["fortran.npy", "npy"],
    ["state-dict.pt", "pytorch"],
    ["legacy.pt", "pytorch"],
    ["module.pt", "pytorch"],
    ["checkpoint.pt", "pytorch"],
    ["model.onnx", "onnx"],
    ["weights.safetensors", "safetensors"],
  ])("%s: %s", async (name, format) => {
    const model = await read(name);
    expect(model.format).toBe(format);
    expect(await contentOf(model)).toEqual(EXPECTED[name]);
  });
});

it("tells a graph's edges, operators and opset, and the file's metadata", async () => {
  const { graph, metadata } = await read("model.onnx");
  expect(metadata).toEqual({ k: "v" });
  expect(graph).toEqual({
    ...{ irVersion: 8, producer: "myelin", opsets: { "": 17 }, operators: { MatMul: 1, Add: 1 } },
    inputs: [{ name: "x", dtype: "F32", shape: ["n", 4] }],
    outputs: [{ name: "y", dtype: "F32", shape: ["n", 2] }],
  });
});

it("tells what a pickle would import, and imports nothing", async () => {
  expect(await read("evil.pkl")).toMatchObject({
    ...{ format: "pickle", tensors: [], metadata: { "pickle.imports": "posix.system" } },
  });
  expect((await read("module.pt")).metadata["pickle.imports"]).toContain("torch.nn.modules.linear.Linear");
});

it("says what is in an array that holds no numbers, and refuses to read it", async () => {
  const { tensors } = await read("stored.npz");
  const text = tensors.find(({ name }) => name === "text")!;
  expect(text).toMatchObject({ dtype: "<U1", shape: [] });
  await expect(collected(text.read(), text.bytes)).rejects.toThrow("no numbers");
});

it.each([
  "",
  "PK\u0003\u0004",
  "x".repeat(1000),
  "{}",
  '{"entries":3}',
  "\u0080\u0004K",
  "GGUF",
  "\u0093NUMPY\u0001",
])("takes %j for what it is: nothing it knows", async (text) => {
  expect(await recognize(bytesSource(new Uint8Array(Buffer.from(text, "latin1"))))).toBe("unknown");
});

/** Whatever is wrong with a file is said as such: no other error, no endless loop. */
describe("a damaged file is refused or read, and nothing else", () => {
  const outcome = async (bytes: Uint8Array) => {
    try {
      const model = await readModelFile(bytesSource(bytes));
      for (const tensor of model.tensors) await tensor.read().pipeTo(new WritableStream());
      return "read";
    } catch (error) {
      if (error instanceof MalformedFile) return "refused";
      throw error;
    }
  };
  let state = 1;
  const next = (below: number) => (state = (state * 48_271) % 2_147_483_647) % below;

  it.each(Object.keys(EXPECTED).concat("evil.pkl"))("%s", async (name) => {
    const whole = file(name);
    expect(await outcome(whole.subarray(0, whole.length >> 1))).toBe("refused");
    for (let round = 0; round < 150; round++) {
      const damaged = whole.slice(0, round % 3 ? whole.length : next(whole.length));
      for (let i = 0; i < 4 && damaged.length > 0; i++) damaged[next(damaged.length)] = next(256);
      await outcome(damaged);
    }
  });
});

it("reads the header alone of a file of 1 GB", async () => {
  const size = 1_000_000_000;
  const shape = [(size - 4096) / 4];
  const entry = { w: { dtype: "F32", shape, data_offsets: [0, size - 4096] } };
  const header = new Uint8Array(4096).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(4096 - 8), true);
  header.set(new TextEncoder().encode(JSON.stringify(entry)), 8);
  let bytesRead = 0;
  const source = {
    ...bytesSource(header),
    size,
    read: (start: number, length: number) => {
      bytesRead += length;
      return Promise.resolve(header.slice(start, start + length));
    },
  };
  expect((await readModelFile(source)).tensors).toMatchObject([{ name: "w", shape }]);
  expect(bytesRead).toBeLessThan(10_000);
});

import { readFileSync } from "node:fs";
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from "@zip.js/zip.js";
import { expect, it } from "vitest";
import type { ByteRange } from "../../kernel/ports/blobs.ts";
import { recognizeStored } from "./recognition.service.ts";

const fixture = (name: string) => new Uint8Array(readFileSync(`test/fixtures/formats/${name}`));

/** Recognises bytes that lie in a store of one blob. */
function recognize(bytes: Uint8Array<ArrayBuffer>, get?: () => never) {
  const logged: string[] = [];
  const read = (_key: string, { start, end }: ByteRange = { start: 0, end: bytes.length - 1 }) =>
    Promise.resolve(new Blob([bytes.slice(start, end + 1)]).stream());
  const blobs = { get: get ?? read } as never;
  const log = (_level: string, event: string) => void logged.push(event);
  const file = { blobKey: "k", fileSize: bytes.length };
  return recognizeStored({ blobs, log }, file).then((found) => ({ ...found, logged }));
}

/** ONNX's `ModelProto` of nothing but a graph with one input; every message here is shorter than 128 bytes. */
function onnxWithInput(name: string): Uint8Array<ArrayBuffer> {
  const message = (field: number, bytes: Uint8Array) => [field * 8 + 2, bytes.length, ...bytes];
  const input = message(11, Uint8Array.from(message(1, new TextEncoder().encode(name))));
  return Uint8Array.from([8, 8, ...message(7, Uint8Array.from(input))]);
}

it("tells a graph's edges", async () => {
  const { format, signature } = await recognize(fixture("model.onnx"));
  expect(format).toBe("onnx");
  expect(signature?.inputs).toEqual([{ name: "x", dtype: "F32", shape: ["n", 4] }]);
  expect((await recognize(onnxWithInput("x"))).signature?.inputs).toMatchObject([{ name: "x" }]);
});

it("keeps no signature that the database could not hold", async () => {
  const { format, signature } = await recognize(onnxWithInput("a\0b"));
  expect([format, signature]).toEqual(["onnx", null]);
});

it("takes a file whose header lies in a thousand places for a blob", async () => {
  const zip = new ZipWriter(new Uint8ArrayWriter(), { level: 0 });
  const array = fixture("fortran.npy");
  for (let i = 0; i < 1000; i++) await zip.add(`a${i}.npy`, new Uint8ArrayReader(array));
  expect((await recognize(new Uint8Array(await zip.close()))).format).toBe("unknown");
});

it("says nothing of a file that the store does not give, so that it is looked at again", async () => {
  const found = await recognize(fixture("model.onnx"), () => {
    throw new Error("the store is down");
  });
  expect(found).toEqual({ format: null, signature: null, logged: ["models.not_recognized"] });
});

import { expect, it } from "vitest";
import { boundaryOf, collect, formParts } from "./multipart.ts";

const bytesOf = (text: string) => Buffer.from(text, "latin1");

/** `bytes` as a stream of chunks of the given sizes, over and over. */
function streamOf(bytes: Uint8Array, ...sizes: number[]): ReadableStream<Uint8Array> {
  let at = 0;
  let turn = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      const size = sizes[turn++ % sizes.length] ?? bytes.length;
      controller.enqueue(bytes.subarray(at, (at += size)));
    },
  });
}

async function read(body: ReadableStream<Uint8Array>, boundary = "b") {
  const parts: { name: string; fileName: string | undefined; content: string }[] = [];
  for await (const { name, fileName, body: chunks } of formParts(body, boundary))
    parts.push({ name, fileName, content: Buffer.from(await collect(chunks, 1e9)).toString("latin1") });
  return parts;
}

const disposition = (parameters: string) => `Content-Disposition: form-data; ${parameters}\r\n\r\n`;
const form = (...parts: string[]) => `${parts.map((part) => `--b\r\n${part}\r\n`).join("")}--b--\r\n`;
const nameOf = async (parameters: string) =>
  (await read(streamOf(Buffer.from(form(`${disposition(parameters)}x`)))))[0]?.fileName;

it("reads fields and files in their order", async () => {
  const text = form(
    `${disposition('name="a"')}one`,
    `content-type: text/csv\r\n${disposition('name="file"; filename="d.csv"')}1,2\r\n3,4\r\n`,
    `${disposition("name=bare")}`,
  );
  expect(await read(streamOf(bytesOf(text)))).toEqual([
    { name: "a", fileName: undefined, content: "one" },
    { name: "file", fileName: "d.csv", content: "1,2\r\n3,4\r\n" },
    { name: "bare", fileName: undefined, content: "" },
  ]);
});

it("reads the same wherever the network cuts it", async () => {
  const content = "\r\n--\r\n-\r\n--b\u0001\r\n\r\n--a\r\n--b ".replaceAll("--b", "--c");
  const text = form(`${disposition('name="file"; filename="x"')}${content}`, `${disposition('name="a"')}\r`);
  const whole = await read(streamOf(bytesOf(text)));
  expect(whole.map((part) => part.content)).toEqual([content, "\r"]);
  for (let first = 1; first < text.length; first++)
    expect(await read(streamOf(bytesOf(text), first, text.length))).toEqual(whole);
  for (const size of [1, 2, 3, 5, 7]) expect(await read(streamOf(bytesOf(text), size))).toEqual(whole);
});

it("ignores what stands before the first and behind the last boundary", async () => {
  const text = `a preamble\r\n${form(`${disposition('name="a"')}1`)}an epilogue --b\r\n\r\n`;
  expect(await read(streamOf(bytesOf(text), 3))).toHaveLength(1);
});

it("reads a form without parts", async () => {
  expect(await read(streamOf(bytesOf("--b--")))).toEqual([]);
});

it("allows spaces behind a boundary", async () => {
  expect(await read(streamOf(bytesOf(`--b \t\r\n${disposition('name="a"')}1\r\n--b--`)))).toHaveLength(1);
});

it("hands a file on while it comes, without waiting for its end", async () => {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  void writer.write(bytesOf(`--b\r\n${disposition('name="file"; filename="x"')}${"y".repeat(1000)}`));
  const part = (await formParts(readable, "b").next()).value!;
  const chunk = (await part.body[Symbol.asyncIterator]().next()).value!;
  expect(chunk.length).toBeGreaterThan(900);
});

it.each([
  ['name="f"; filename="modèle 模型 🧠.onnx"', "modèle 模型 🧠.onnx"],
  ['name="f"; filename="a;b=c.onnx"', "a;b=c.onnx"],
  ['name="f"; filename="a\\"b"', 'a"b'],
  ['name="f"; filename="C:\\fakepath\\a"', "C:\\fakepath\\a"],
  ['name="f"; filename="a\\\\b"', "a\\b"],
  ['name="f"; filename="%22a%0d%0ab%22"', '"a\r\nb"'],
  ['name="f"; filename="100%25"', "100%25"],
  ['name="f"; filename=bare.bin', "bare.bin"],
  ['name="f"; FileName="a"', "a"],
  ['name="f";filename="a"', "a"],
  ['name="f"; filename="fallback"; filename*=UTF-8\'\'%E6%A8%A1', "模"],
  ["name=\"f\"; filename*=utf-8'en'a%20b", "a b"],
  ['name="f"; filename=""', ""],
])("reads the file name of %s", async (parameters, name) => {
  expect(await nameOf(parameters)).toBe(name);
});

it.each([
  ["an end before the boundary", `--b\r\n${disposition('name="a"')}1`],
  ["an end inside the boundary", `--b\r\n${disposition('name="a"')}1\r\n--`],
  ["an end behind a boundary", `--b\r\n${disposition('name="a"')}1\r\n--b`],
  ["an end inside the headers", "--b\r\nContent-Disposition: form"],
  ["no boundary", "hello"],
  ["nothing", ""],
  ["a longer boundary", `--bb\r\n${disposition('name="a"')}1\r\n--bb--`],
  ["no disposition", "--b\r\nContent-Type: x/y\r\n\r\n1\r\n--b--"],
  ["another disposition", "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b--"],
  ["no name", form(`${disposition('filename="a"')}1`)],
  ["a quote without end", form(`${disposition('name="a')}1`)],
  ["something between the parameters", form(`${disposition('name="a" x; filename="y"')}1`)],
  ["broken escapes", form(`${disposition("name=a; filename*=UTF-8''%zz")}1`)],
  ["another character set", form(`${disposition("name=a; filename*=latin1''a")}1`)],
])("refuses a form with %s", async (_, text) => {
  await expect(read(streamOf(bytesOf(text), 4))).rejects.toMatchObject({
    kind: "bad_request",
    code: "BAD_UPLOAD",
  });
});

it("bounds the headers of a part and what stands before the first", async () => {
  const long = "x".repeat(20_000);
  for (const text of [`--b\r\nx-long: ${long}\r\n${disposition('name="a"')}1\r\n--b--`, `${long}\r\n--b--`])
    await expect(read(streamOf(bytesOf(text), 1000))).rejects.toMatchObject({ kind: "too_large" });
});

it("reads hostile parameters in no time", async () => {
  const started = performance.now();
  for (const text of [
    ';a="'.repeat(3999),
    "; ".repeat(8000),
    `; a="${"\\".repeat(15_001)}`,
    ` ;${" ".repeat(15_000)}x`,
  ])
    await expect(read(streamOf(bytesOf(form(`${disposition(`name="a"${text}`)}1`))))).rejects.toThrow(
      "not valid",
    );
  expect(performance.now() - started).toBeLessThan(5000);
});

it("passes the source's own failure on", async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.error(new Error("connection lost")),
  });
  await expect(read(broken)).rejects.toThrow("connection lost");
});

it.each([
  ["multipart/form-data; boundary=abc", "abc"],
  ['multipart/form-data; charset=utf-8; boundary="a b;c"', "a b;c"],
  ["Multipart/Form-Data; Boundary=abc; x=y", "abc"],
  ["multipart/form-data", undefined],
  ["multipart/form-data; boundary=", undefined],
  ['multipart/form-data; boundary=""', undefined],
  [`multipart/form-data; boundary=${"b".repeat(71)}`, undefined],
  ["multipart/form-data; xboundary=abc", undefined],
])("finds the boundary of %s", (type, boundary) => {
  expect(boundaryOf(type)).toBe(boundary);
});

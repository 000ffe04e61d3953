import { createHash, randomBytes, randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { newUser, query, until, type User } from "./support/client.ts";
import { fileForm } from "./support/holdings.ts";
import { RawRequest } from "./support/raw.ts";
import { expectRefusal, expectStatus } from "./support/refusal.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const BINARY = { "content-type": "application/octet-stream" };
const OVER_100_MB = 100_000_001;

let user: User;
beforeAll(async () => {
  user = await newUser();
});

async function newModel(): Promise<{ id: string; path: string }> {
  const { body } = await user.post("/api/models", { name: randomUUID(), model_type: "x" });
  return { id: body.id, path: `/api/models/${body.id}/versions` };
}

const versionsOf = async (path: string): Promise<any[]> => (await user.get(path)).body;
/** Blobs below a model that nothing owns; the sweep deletes them. */
const orphansOf = (model: string) =>
  query<{ due: boolean }>(
    "select delete_after < now() + interval '25 hours' as due from orphan_blobs where key like $1",
    [`models/${model}/%`],
  );

/** The bytes of a file, and the answer they came with. */
async function fetchFile(path: string, headers: Record<string, string> = {}, method = "GET") {
  const response = await fetch(`${inject("url")}${path}`, {
    method,
    headers: { ...user.headers, ...headers },
  });
  return {
    status: response.status,
    headers: response.headers,
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

/** A form written by hand, for what `FormData` would mend. */
const handmade = (path: string, parts: string[], end = "--b--\r\n") =>
  user.post(path, parts.map((part) => `--b\r\n${part}\r\n`).join("") + end, {
    headers: { "content-type": "multipart/form-data; boundary=b" },
  });
const filePart = (disposition: string, content = "content") =>
  `content-disposition: form-data; ${disposition}\r\n\r\n${content}`;

describe("an upload", () => {
  const large = randomBytes(50_000_000);

  it("of 50 MB as a form is stored byte by byte, with its size, hash, name and fields", async () => {
    const { path } = await newModel();
    const form = fileForm(
      { metrics: '{"accuracy":0.9,"nested":{"f1":[1,2]}}' },
      large,
      "modèle 模型 🧠.onnx",
    );
    const { status, body } = await user.post(path, form);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      ...{ version: 1, file_name: "modèle 模型 🧠.onnx", file_size: large.length, sha256: sha256(large) },
      metrics: { accuracy: 0.9, nested: { f1: [1, 2] } },
    });
    const file = await fetchFile(`${path}/1/download`);
    expect(sha256(file.bytes)).toBe(sha256(large));
    expect(file.headers.get("content-disposition")).toContain(
      `filename*=UTF-8''${encodeURIComponent("modèle 模型 🧠.onnx")}`,
    );
  });

  it("of 50 MB as the raw body is stored byte by byte", async () => {
    const { path } = await newModel();
    const { status, body } = await user.put(`${path}?filename=${encodeURIComponent("m 模.onnx")}`, large, {
      headers: BINARY,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ file_name: "m 模.onnx", file_size: large.length, sha256: sha256(large) });
    expect(sha256((await fetchFile(`${path}/1/download`)).bytes)).toBe(sha256(large));
  });

  it("in chunks of unknown total length is stored like any other", async () => {
    const { path } = await newModel();
    const content = large.subarray(0, 20_000_000);
    const request = await RawRequest.open("PUT", path, {
      ...{ ...user.headers, ...BINARY },
      "transfer-encoding": "chunked",
    });
    for (let at = 0; at < content.length; at += 1_234_567)
      await request.writeChunk(content.subarray(at, at + 1_234_567));
    await request.write("0\r\n\r\n");
    const { status, body } = await request.answer();
    expect([status, body.file_size, body.sha256]).toEqual([201, content.length, sha256(content)]);
  });

  it("whose content looks like a boundary is not cut short", async () => {
    const { path } = await newModel();
    const content = "\r\n--c\r\n\r\n-\r\n--\r\n--b\u0000\r\n\r\n--";
    const { body } = await handmade(path, [
      filePart('name="file"; filename="x"', content).replaceAll("--b\u0000", "--a"),
    ]);
    expect(body.sha256).toBe(sha256(Buffer.from(content.replaceAll("--b\u0000", "--a"))));
  });

  it.each([
    ["a path upwards", "../../x.onnx", "x.onnx"],
    ["a path of Windows", "C:\\fakepath\\x.onnx", "x.onnx"],
    ["only dots", "..", "file"],
    ["only a slash", "/", "file"],
    ["nothing", "", "file"],
    ["a quote", 'a\\"b.onnx', 'a"b.onnx'],
    ["a quote as browsers send it", "a%22b.onnx", 'a"b.onnx'],
    ["line breaks as browsers send them", "a%0D%0AX-Evil: 1.onnx", "aX-Evil: 1.onnx"],
    ["a mark that disguises its ending", "model\u202exnno.exe", "modelxnno.exe"],
    ["another alphabet", "модель.onnx", "модель.onnx"],
    ["a semicolon and a percent sign", "a;b=c%41.onnx", "a;b=c%41.onnx"],
    ["300 letters", "a".repeat(300), "a".repeat(255)],
    ["half of an emoji at the cut", `${"a".repeat(254)}🧠🧠`, `${"a".repeat(254)}🧠`],
  ])("with %s for a name keeps nothing that could harm, and can be downloaded", async (_, sent, kept) => {
    const { path } = await newModel();
    const { status, body } = await handmade(path, [filePart(`name="file"; filename="${sent}"`)]);
    expect([status, body.file_name]).toEqual([201, kept]);
    const { status: found, headers } = await fetchFile(`${path}/1/download`);
    expect([found, headers.get("x-evil")]).toEqual([200, null]);
    const [, name] = /filename\*=UTF-8''(\S+)$/.exec(headers.get("content-disposition")!)!;
    expect(decodeURIComponent(name!)).toBe(kept);
  });

  it("takes a name in the form Python's clients send it", async () => {
    const { path } = await newModel();
    const { body } = await handmade(path, [filePart("name=\"file\"; filename*=utf-8''mod%C3%A8le.onnx")]);
    expect(body.file_name).toBe("modèle.onnx");
  });

  it.each([
    ["no file", 422, ['content-disposition: form-data; name="metrics"\r\n\r\n{}']],
    ["an empty file", 422, [filePart('name="file"; filename="x"', "")]],
    ["two files", 400, [filePart('name="file"; filename="x"'), filePart('name="file"; filename="y"')]],
    ["a file of another name", 400, [filePart('name="upload"; filename="x"')]],
    ["a part without a name", 400, [filePart('filename="x"')]],
    ["a part without headers", 400, ["\r\ncontent"]],
    ["a part that is no form's", 400, ["content-type: text/plain\r\n\r\ncontent"]],
    ["a name in broken escapes", 400, [filePart("name=\"file\"; filename*=UTF-8''%zz")]],
    ["a quote that does not end", 400, [filePart('name="file"; filename="x')]],
    [
      "metrics that are no JSON",
      422,
      [filePart('name="file"; filename="x"'), filePart('name="metrics"', "{")],
    ],
    [
      "metrics that are a list",
      422,
      [filePart('name="file"; filename="x"'), filePart('name="metrics"', "[]")],
    ],
    [
      "metrics nested without end",
      422,
      [
        filePart('name="file"; filename="x"'),
        filePart('name="metrics"', `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`),
      ],
    ],
    [
      "metrics Postgres cannot hold",
      422,
      [filePart('name="file"; filename="x"'), filePart('name="metrics"', '{"a":"\\u0000"}')],
    ],
    [
      "another's run",
      422,
      [filePart('name="file"; filename="x"'), filePart('name="training_run_id"', randomUUID())],
    ],
    [
      "a run that is no id",
      422,
      [filePart('name="file"; filename="x"'), filePart('name="training_run_id"', "'; --")],
    ],
    [
      "a field that is too large",
      413,
      [filePart('name="metrics"', "x".repeat(70_000)), filePart('name="file"')],
    ],
    ["headers that are too large", 413, [`x-long: ${"x".repeat(20_000)}\r\n${filePart('name="file"')}`]],
    ["10,000 parts", 413, Array.from({ length: 10_000 }, (_, i) => filePart(`name="f${i}"`, "1"))],
  ])("with %s is refused and leaves no version", async (_, status, parts) => {
    const { path } = await newModel();
    expectStatus(await handmade(path, parts), "the form", status);
    expect(await versionsOf(path)).toEqual([]);
  });

  it.each([
    [
      "that ends before its boundary",
      "multipart/form-data; boundary=b",
      `--b\r\n${filePart('name="file"; filename="x"')}`,
    ],
    [
      "with another boundary than it says",
      "multipart/form-data; boundary=c",
      `--b\r\n${filePart('name="file"')}\r\n--b--`,
    ],
    ["that names no boundary", "multipart/form-data", "--b--"],
    ["whose boundary is longer than allowed", `multipart/form-data; boundary=${"b".repeat(71)}`, "--b--"],
    ["that is empty", "multipart/form-data; boundary=b", ""],
  ])("of a form %s is refused and leaves no version", async (_, type, text) => {
    const { path } = await newModel();
    expectStatus(await user.post(path, text, { headers: { "content-type": type } }), type, 400);
    expect(await versionsOf(path)).toEqual([]);
  });

  it("of an empty raw body is refused", async () => {
    const { path } = await newModel();
    const answer = await user.put(path, new Uint8Array(), { headers: BINARY });
    expectStatus(answer, "empty", 422);
    expect(answer.body.code).toBe("FILE_EMPTY");
  });

  it.each(["raw", "form"])(
    "of more than 100 MB (%s) is refused by what it declares, before it is sent",
    async (kind) => {
      const { path } = await newModel();
      const request = await RawRequest.open(kind === "raw" ? "PUT" : "POST", path, {
        ...user.headers,
        "content-type": kind === "raw" ? "application/octet-stream" : "multipart/form-data; boundary=b",
        "content-length": String(kind === "raw" ? OVER_100_MB : OVER_100_MB + 2_000_000),
      });
      const answer = await request.answer();
      expectStatus(answer, kind, 413);
      expect(answer.body.code).toBe("FILE_TOO_LARGE");
    },
  );

  it("of more than 100 MB is cut off when it does not say so", async () => {
    const { id, path } = await newModel();
    const headers = { ...user.headers, ...BINARY, "transfer-encoding": "chunked" };
    const request = await RawRequest.open("PUT", path, headers);
    const megabyte = new Uint8Array(1_000_000);
    for (let sent = 0; sent < 110 && !request.answered; sent++) await request.writeChunk(megabyte);
    // The server hangs up on who goes on sending; the network may lose the answer then.
    const answer = await request.answer().catch(() => undefined);
    if (answer) expectStatus(answer, "too large", 413);
    expect(await versionsOf(path)).toEqual([]);
    expect(await orphansOf(id)).toEqual([{ due: true }]);
  });

  it.each(["raw", "form", "chunked"])(
    "that breaks off (%s) becomes no version; what came is left to the sweep",
    async (kind) => {
      const { id, path } = await newModel();
      const request = await RawRequest.open(kind === "form" ? "POST" : "PUT", path, {
        ...user.headers,
        "content-type": kind === "form" ? "multipart/form-data; boundary=b" : "application/octet-stream",
        ...(kind === "chunked" ? { "transfer-encoding": "chunked" } : { "content-length": "30000000" }),
      });
      if (kind === "form")
        await request.write('--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n');
      const part = new Uint8Array(9_000_000);
      await (kind === "chunked" ? request.writeChunk(part) : request.write(part));
      await until(
        () => orphansOf(id),
        (rows) => rows.length === 1,
      );
      request.abort();
      const next = await user.put(path, new Uint8Array([1]), { headers: BINARY });
      expect([next.status, next.body.version]).toEqual([201, 1]);
      expect(await versionsOf(path)).toHaveLength(1);
      expect(await orphansOf(id)).toEqual([{ due: true }]);
    },
  );

  it("that is shorter than declared becomes no version", async () => {
    const { id, path } = await newModel();
    const request = await RawRequest.open("PUT", path, {
      ...user.headers,
      ...BINARY,
      "content-length": "1000",
    });
    await request.write("short");
    await until(
      () => orphansOf(id),
      (rows) => rows.length === 1,
    );
    request.end();
    const answer = await request.answer().catch(() => undefined);
    if (answer) expectRefusal(answer, "shorter");
    expect(await versionsOf(path)).toEqual([]);
  });
});

describe("version numbers", () => {
  it("of uploads at the same time are distinct and without gaps", async () => {
    const { path } = await newModel();
    const uploads = Array.from({ length: 12 }, (_, i) =>
      i % 2 === 0
        ? user.put(path, new Uint8Array([i]), { headers: BINARY })
        : user.post(path, fileForm({}, new Uint8Array([i]), "m.onnx")),
    );
    const numbers = (await Promise.all(uploads)).map(({ body }) => body.version);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect((await versionsOf(path)).map(({ version }) => version)).toEqual(
      Array.from({ length: 12 }, (_, i) => 12 - i),
    );
  });

  it("are not used again after a version was deleted", async () => {
    const { path } = await newModel();
    const upload = async () => (await user.put(path, new Uint8Array([1]), { headers: BINARY })).body.version;
    expect([await upload(), await upload()]).toEqual([1, 2]);
    expectStatus(await user.delete(`${path}/2`), "delete", 204);
    expect(await upload()).toBe(3);
    expectStatus(await user.get(`${path}/2`), "the deleted one", 404);
    expectStatus(await user.get(`${path}/2/download`), "its file", 404);
    expectStatus(await user.delete(`${path}/2`), "again", 404);
  });
});

it("leaves the files of a deleted version and of a deleted model to the sweep, at once", async () => {
  const { id, path } = await newModel();
  for (let i = 0; i < 3; i++) await user.put(path, new Uint8Array([i]), { headers: BINARY });
  expect(await orphansOf(id)).toEqual([]);
  await user.delete(`${path}/2`);
  expect(await orphansOf(id)).toHaveLength(1);
  expectStatus(await user.delete(`/api/models/${id}`), "delete", 204);
  expect(await orphansOf(id)).toHaveLength(3);
});

describe("a download", () => {
  const content = randomBytes(10_000);
  const etag = `"${sha256(content)}"`;
  let path: string;
  beforeAll(async () => {
    const model = await newModel();
    await user.put(`${model.path}?filename=m.onnx`, content, { headers: BINARY });
    path = `${model.path}/1/download`;
  });

  it("is the whole file with its length and tag", async () => {
    const { status, headers, bytes } = await fetchFile(path);
    expect([status, Buffer.from(bytes).equals(content)]).toEqual([200, true]);
    expect(Object.fromEntries(headers)).toMatchObject({
      ...{ etag, "content-length": "10000", "content-type": "application/octet-stream" },
      ...{ "accept-ranges": "bytes", "cache-control": "private, no-cache" },
      "content-disposition": "attachment; filename=\"m.onnx\"; filename*=UTF-8''m.onnx",
    });
  });

  it.each([
    ["the first byte", "bytes=0-0", 0, 0],
    ["the last byte", "bytes=-1", 9999, 9999],
    ["from the middle to the end", "bytes=5000-", 5000, 9999],
    ["a range beyond the end", "bytes=9990-99999", 9990, 9999],
    ["a suffix longer than the file", "bytes=-99999", 0, 9999],
    ["a range in the middle", "bytes=100-199", 100, 199],
    ["a unit in capitals", "Bytes=1-2", 1, 2],
  ])("of %s is that and nothing else", async (_, range, start, end) => {
    const { status, headers, bytes } = await fetchFile(path, { range });
    expect([status, headers.get("content-range")]).toEqual([206, `bytes ${start}-${end}/10000`]);
    expect(headers.get("content-length")).toBe(String(end - start + 1));
    expect(Buffer.from(bytes).equals(content.subarray(start, end + 1))).toBe(true);
  });

  it.each(["bytes=10000-", "bytes=10000-10001", "bytes=-0", `bytes=${"9".repeat(30)}-`, "bytes=5-2"])(
    "of %s is 416 and says how long the file is",
    async (range) => {
      const answer = await user.get(path, { headers: { range } });
      expectStatus(answer, range, 416);
      expect(answer.headers.get("content-range")).toBe("bytes */10000");
    },
  );

  it.each([
    "bytes=0-1,5-6",
    "lines=1-2",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=1-2-3",
    "bytes=-1-2",
  ])("with the range %s, which we do not know, is whole", async (range) => {
    const { status, bytes } = await fetchFile(path, { range });
    expect([status, bytes.length]).toEqual([200, 10_000]);
  });

  it.each([etag, `W/${etag}`, "*", `"other", ${etag}`])("is 304 when the client has %s", async (tag) => {
    const { status, headers, bytes } = await fetchFile(path, { "if-none-match": tag, range: "bytes=0-1" });
    expect([status, headers.get("etag"), bytes.length]).toEqual([304, etag, 0]);
  });

  it("is sent when the client has another file", async () => {
    expect((await fetchFile(path, { "if-none-match": '"other"' })).status).toBe(200);
  });

  it.each([
    ["the file it has", etag, 206],
    ["another file", '"other"', 200],
    ["a weak tag", `W/${etag}`, 200],
    ["a date", "Wed, 21 Oct 2015 07:28:00 GMT", 200],
  ])("continues only what the client has part of: %s", async (_, tag, status) => {
    expect((await fetchFile(path, { "if-range": tag, range: "bytes=9000-" })).status).toBe(status);
  });

  it("answers HEAD with the headers of the whole file, also when a range is asked for", async () => {
    const { status, headers, bytes } = await fetchFile(path, { range: "bytes=0-1" }, "HEAD");
    expect([status, headers.get("content-length"), headers.get("etag"), bytes.length]).toEqual([
      200,
      "10000",
      etag,
      0,
    ]);
  });

  it("that the client gives up on harms nobody", async () => {
    const request = await RawRequest.open("GET", path, user.headers);
    request.abort();
    expect((await fetchFile(path)).bytes.length).toBe(10_000);
  });
});

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Platform } from "../local/platform.ts";
import { newUser, query, signIn, type User } from "./support/client.ts";
import { startOwnPlatform } from "./support/own-platform.ts";
import { expectRefusal, expectStatus } from "./support/refusal.ts";

const dataDir = mkdtempSync(join(tmpdir(), "myelin-uploads-"));
let platform: Platform;
let user: User;
let other: User;

beforeAll(async () => {
  platform = await startOwnPlatform({ dataDir, env: { MAX_MULTIPART_GB: "0.1", LOG_LEVEL: "error" } });
  [user, other] = await Promise.all([newUser(platform.url), newUser(platform.url)]);
});
afterAll(async () => {
  await platform?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const PART = 8 * 1024 * 1024;
const BINARY = { headers: { "content-type": "application/octet-stream" } };
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const ask = (sql: string, parameters: unknown[]) => query<any>(sql, parameters, platform.databaseUrl);
const large = randomBytes(2 * PART + 5);

async function newModel(owner = user): Promise<string> {
  const { body } = await owner.post("/api/models", { name: randomUUID(), model_type: "x" });
  return `/api/models/${body.id}`;
}

const announced = (bytes: Uint8Array, extra: Record<string, unknown> = {}) => ({
  file_name: "dir/large.bin",
  file_size: bytes.length,
  sha256: sha256(bytes),
  ...extra,
});

async function begin(bytes: Uint8Array, extra: Record<string, unknown> = {}) {
  const model = await newModel();
  const { status, body } = await user.post(`${model}/uploads`, announced(bytes, extra));
  expect(status).toBe(201);
  return { model, path: `${model}/uploads/${body.upload_id}`, upload: body };
}

const partOf = (bytes: Uint8Array, number: number) => bytes.subarray((number - 1) * PART, number * PART);

async function send(path: string, bytes: Uint8Array, ...numbers: number[]) {
  for (const number of numbers) {
    const answer = await user.put(`${path}/parts/${number}`, partOf(bytes, number), BINARY);
    expectStatus(answer, `part ${number}`, 200);
  }
}

const complete = (path: string, body?: Record<string, unknown>) => user.post(`${path}/complete`, body);
const versionsOf = async (model: string): Promise<any[]> => (await user.get(`${model}/versions`)).body;
const blobsOf = (model: string) =>
  ask("select key, delete_after <= now() as due from orphan_blobs where key like $1", [
    `models/${model.split("/").pop()}/%`,
  ]);

describe("a large file in parts", () => {
  it("goes up, is taken up again after a part was lost, and becomes one version of two calls at once", async () => {
    const { model, path, upload } = await begin(large, { metrics: { accuracy: 0.9 } });
    expect(upload).toMatchObject({
      ...{
        state: "open",
        file_name: "large.bin",
        part_size: PART,
        part_count: 3,
        straight_to_storage: false,
      },
      parts: [1, 2, 3].map((number) => ({
        ...{ number, url: `${path}/parts/${number}`, size: partOf(large, number).length },
      })),
    });
    await send(path, large, 3, 1);
    expectRefusal(await complete(path), "incomplete");
    expect((await complete(path)).body).toMatchObject({
      code: "UPLOAD_PARTS_MISSING",
      details: { parts: [2] },
    });
    const { body: resumed } = await user.get(path);
    expect(resumed.parts.map((part: any) => part.arrived_size)).toEqual([PART, undefined, 5]);
    await send(path, large, 2);
    const answers = await Promise.all([complete(path), complete(path), complete(path)]);
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    const [version] = await versionsOf(model);
    expect(await versionsOf(model)).toEqual([version]);
    expect(version).toMatchObject({
      ...{ version: 1, source: "upload", file_name: "large.bin", file_size: large.length },
      ...{ sha256: sha256(large), metrics: { accuracy: 0.9 }, format: "unknown" },
    });
    for (const { body } of [...answers, await complete(path)]) expect(body).toEqual(version);
    expect(await blobsOf(model)).toEqual([]);
    const file = await fetch(`${platform.url}${model}/versions/1/download`, { headers: user.headers });
    expect(sha256(await file.bytes())).toBe(sha256(large));
    // No number was used up by those who came too late.
    const small = await user.put(`${model}/versions`, new Uint8Array([1]), BINARY);
    expect(small.body.version).toBe(2);
  });

  it("is recognised as any other upload", async () => {
    const onnx = readFileSync("test/fixtures/formats/model.onnx");
    const { path } = await begin(onnx);
    await send(path, onnx, 1);
    expect((await complete(path)).body).toMatchObject({ format: "onnx", signature: expect.any(Object) });
  });

  it("counts the last of two parts with one number, and holds named parts against what arrived", async () => {
    const { model, path } = await begin(large);
    await user.put(`${path}/parts/2`, randomBytes(PART), BINARY);
    await send(path, large, 1, 2, 3);
    const { parts } = (await user.get(path)).body;
    const named = parts.map(({ number, etag }: any) => ({ number, etag: `"${etag}"` }));
    const wrong = await complete(path, { parts: [named[0], { ...named[1], etag: "other" }, named[2]] });
    expect([wrong.status, wrong.body.details.parts]).toEqual([409, [2]]);
    expectStatus(await complete(path, { parts: named }), "complete", 201);
    expect(await versionsOf(model)).toHaveLength(1);
  });

  it("that is not what was announced is dropped, and stays refused", async () => {
    const { model, path } = await begin(large, { sha256: sha256(randomBytes(1)) });
    await send(path, large, 1, 2, 3);
    const answers = await Promise.all([complete(path), complete(path)]);
    for (const { status, body } of [...answers, await complete(path)])
      expect([status, body.code]).toEqual([422, "DIGEST_MISMATCH"]);
    expect(await versionsOf(model)).toEqual([]);
    expect(await blobsOf(model)).toEqual([expect.objectContaining({ due: true })]);
    await platform.runScheduled();
    expect(await blobsOf(model)).toEqual([]);
    expectStatus(await complete(path), "after the sweep", 422);
  });

  it.each([
    ["after the store put it together", "update model_uploads set state = 'open' where id = $1"],
    ["before its digest was known", "update model_uploads set state = 'stored' where id = $1"],
  ])("whose completion died %s goes on from there", async (_, died) => {
    const { model, path, upload } = await begin(large);
    await send(path, large, 1, 2, 3);
    // The store has done its part once the digest is refused; what was written down of that is taken back.
    await ask("update model_uploads set sha256 = $2 where id = $1", [upload.upload_id, "0".repeat(64)]);
    expectStatus(await complete(path), "wrong digest", 422);
    await ask("update model_uploads set sha256 = $2 where id = $1", [upload.upload_id, sha256(large)]);
    await ask(died, [upload.upload_id]);
    expectStatus(await complete(path), "again", 201);
    expect(await versionsOf(model)).toHaveLength(1);
  });
});

describe("what is refused", () => {
  it("a part of another size, or of no number the upload has", async () => {
    const { path } = await begin(large);
    for (const size of [4, 6]) {
      const { status, body } = await user.put(`${path}/parts/3`, randomBytes(size), BINARY);
      expect([status, body.code, body.details]).toEqual([422, "PART_SIZE_WRONG", { number: 3, size: 5 }]);
    }
    const chunked = (size: number) =>
      fetch(`${platform.url}${path}/parts/3`, {
        method: "PUT",
        headers: { ...user.headers, ...BINARY.headers },
        body: new Blob([randomBytes(size)]).stream(),
        duplex: "half",
      } as RequestInit);
    for (const size of [4, 6]) expect((await chunked(size)).status).toBe(422);
    expect((await chunked(5)).status).toBe(200);
    for (const number of ["4", "0", "-1", "x"])
      expectStatus(await user.put(`${path}/parts/${number}`, randomBytes(5), BINARY), number, 404);
    expect((await user.get(path)).body.parts.map((part: any) => part.arrived_size)).toEqual([
      ...[undefined, undefined, 5],
    ]);
  });

  it.each([
    [{ file_size: 0 }, 422],
    [{ file_size: 1.5 }, 422],
    [{ file_size: 100_000_001 }, 413],
    [{ sha256: "abc" }, 422],
    [{ sha256: undefined }, 422],
    [{ metrics: [1] }, 422],
    [{ training_run_id: randomUUID() }, 422],
  ])("an announcement with %o", async (flaw, status) => {
    const model = await newModel();
    expectStatus(await user.post(`${model}/uploads`, { ...announced(large), ...flaw }), "flaw", status);
  });

  it("whoever has no business there", async () => {
    const { model, path } = await begin(large);
    const viewer = await newUser(platform.url);
    await ask("update users set role = 'viewer' where id = $1", [viewer.id]);
    const watching = await signIn(viewer.email, viewer.password, platform.url);
    for (const [client, status] of [
      [other, 404],
      [watching, 403],
    ] as const) {
      expectStatus(await client.post(`${model}/uploads`, announced(large)), "begin", status);
      expectStatus(await client.get(path), "get", status);
      expectStatus(await client.put(`${path}/parts/3`, partOf(large, 3), BINARY), "part", status);
      expectStatus(await client.post(`${path}/complete`), "complete", status);
      expectStatus(await client.delete(path), "abort", status);
    }
    const elsewhere = path.replace(model, await newModel());
    expectStatus(await user.get(elsewhere), "under another model", 404);
    expectStatus(await user.get(path), "owner", 200);
  });

  it("more than a hundred under way", async () => {
    const busy = await newUser(platform.url);
    const model = await newModel(busy);
    const announce = () => busy.post(`${model}/uploads`, announced(randomBytes(1)));
    const statuses = (await Promise.all(Array.from({ length: 110 }, announce))).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(100);
    expect(statuses.filter((status) => status === 409)).toHaveLength(10);
  });
});

describe("an upload that ends", () => {
  it("by its owner's will is gone with its parts, once and for all", async () => {
    const { model, path } = await begin(large);
    await send(path, large, 1);
    expectStatus(await user.delete(path), "abort", 204);
    expectStatus(await user.delete(path), "again", 404);
    expectStatus(await user.put(`${path}/parts/3`, partOf(large, 3), BINARY), "part", 404);
    expectStatus(await complete(path), "complete", 404);
    expect(await blobsOf(model)).toEqual([expect.objectContaining({ due: true })]);
  });

  it("as a version cannot be aborted, and the version lives without it", async () => {
    const { model, path, upload } = await begin(large);
    await send(path, large, 1, 2, 3);
    expectStatus(await complete(path), "complete", 201);
    expectStatus(await user.delete(path), "abort", 409);
    expectStatus(await user.put(`${path}/parts/3`, partOf(large, 3), BINARY), "part", 409);
    await ask("update model_uploads set expires_at = now() where id = $1", [upload.upload_id]);
    await platform.runScheduled();
    expectStatus(await user.get(path), "expired", 404);
    const file = await fetch(`${platform.url}${model}/versions/1/download`, { headers: user.headers });
    expect(sha256(await file.bytes())).toBe(sha256(large));
  });

  it("aborted while it is completed is a version or is gone, never half of it", async () => {
    for (let round = 0; round < 5; round++) {
      const { model, path } = await begin(large);
      await send(path, large, 1, 2, 3);
      const [completed, aborted] = await Promise.all([complete(path), user.delete(path)]);
      await platform.runScheduled();
      const versions = await versionsOf(model);
      expect([completed.status, aborted.status, versions.length]).toEqual(
        completed.status === 201 ? [201, 409, 1] : [completed.status, 204, 0],
      );
      if (versions.length > 0) {
        const file = await fetch(`${platform.url}${model}/versions/1/download`, { headers: user.headers });
        expect(sha256(await file.bytes())).toBe(sha256(large));
      }
    }
  });

  it.each(["its day is over", "its model is deleted"])(
    "because %s is swept with what had arrived",
    async (why) => {
      const { model, path, upload } = await begin(large);
      await send(path, large, 1, 2);
      if (why === "its model is deleted") expectStatus(await user.delete(model), "delete", 204);
      else await ask("update model_uploads set expires_at = now() where id = $1", [upload.upload_id]);
      expectStatus(await user.get(path), "before the sweep", 404);
      await platform.runScheduled();
      expect(await ask("select id from model_uploads where id = $1", [upload.upload_id])).toEqual([]);
      expect(
        await ask("select number from model_upload_parts where upload_id = $1", [upload.upload_id]),
      ).toEqual([]);
      expect(await blobsOf(model)).toEqual([]);
    },
  );
});

it("a version's download address is the plain one where the store signs none", async () => {
  const model = await newModel();
  await user.put(`${model}/versions`, new Uint8Array([1, 2, 3]), BINARY);
  const { body } = await user.get(`${model}/versions/1/download-url`);
  expect(body).toEqual({ url: `${model}/versions/1/download`, expires_at: null, straight_to_storage: false });
});

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildWorker } from "../local/bundle.ts";
import { layFoundation } from "../local/foundation.ts";
import { Teardown } from "../local/teardown.ts";
import { startWorker, type WorkerRuntime } from "../local/worker-runtime.ts";
import { newUser, until, type User } from "./support/client.ts";
import { fileForm } from "./support/holdings.ts";
import { hasRadosgw, type Radosgw, startRadosgw } from "./support/radosgw.ts";
import { expectStatus } from "./support/refusal.ts";

/** The Worker on an S3 server instead of R2, with its scheduled handler at hand. */
const dataDir = mkdtempSync(join(tmpdir(), "myelin-s3-"));
const teardown = new Teardown();
let gateway: Radosgw;
let worker: WorkerRuntime;
let user: User;

async function start(): Promise<void> {
  gateway = await startRadosgw();
  teardown.add(() => gateway.stop());
  const { endpoint, bucket, region, accessKeyId, secretAccessKey } = gateway.settings;
  const env = {
    LOG_LEVEL: "error",
    S3_ENDPOINT: endpoint,
    S3_BUCKET: bucket,
    S3_REGION: region,
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const local = { dataDir, port: 0, host: "127.0.0.1", agent: false, env, log: () => {} };
  const { vars } = await layFoundation(local, teardown);
  worker = await startWorker({
    ...local,
    workerDir: await buildWorker(),
    stateDir: join(dataDir, "worker"),
    vars,
    onRestart() {},
  });
  teardown.add(() => worker.stop());
  user = await newUser(worker.url);
}

beforeAll(async () => {
  if (hasRadosgw) await start();
});
afterAll(async () => {
  await teardown.run();
  rmSync(dataDir, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const BINARY = { "content-type": "application/octet-stream" };

async function storedKeys(): Promise<string[]> {
  const { Contents = [] } = await gateway.client.send(new ListObjectsV2Command({ Bucket: "myelin" }));
  return Contents.map(({ Key }) => Key!);
}

async function uploadsUnderWay(): Promise<number> {
  const { Uploads = [] } = await gateway.client.send(new ListMultipartUploadsCommand({ Bucket: "myelin" }));
  return Uploads.length;
}

async function fetchFile(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${worker.url}${path}`, { headers: { ...user.headers, ...headers } });
  return { status: response.status, headers: response.headers, sha: sha256(await response.bytes()) };
}

async function newModel(): Promise<string> {
  const { body } = await user.post("/api/models", { name: randomUUID(), model_type: "x" });
  return `/api/models/${body.id}`;
}

/** Begins an upload of so many bytes and cuts the connection once `underWay` tells that the server has some. */
async function cutOff(
  path: string,
  headers: Record<string, string>,
  bytes: number,
  underWay: () => Promise<void>,
) {
  const upload = request(`${worker.url}${path}`, { method: "PUT", headers: { ...user.headers, ...headers } });
  upload.on("error", () => {});
  await new Promise((resolve) => upload.write(randomBytes(bytes), resolve));
  await underWay();
  upload.destroy();
}

describe.skipIf(!hasRadosgw)("on an S3 server", () => {
  it("a dataset goes up, down in whole and in parts, and away", async () => {
    const bytes = randomBytes(20_000_000);
    const uploaded = await user.post("/api/datasets", fileForm({ name: "d" }, bytes, "d.bin"));
    expectStatus(uploaded, "upload", 201);
    const path = `/api/datasets/${uploaded.body.id}`;
    expect(await storedKeys()).toEqual([expect.stringMatching(/^datasets\//)]);
    expect(await fetchFile(`${path}/download`)).toMatchObject({ status: 200, sha: sha256(bytes) });
    for (const [range, part] of [
      ["bytes=0-0", bytes.subarray(0, 1)],
      ["bytes=8388600-8388615", bytes.subarray(8_388_600, 8_388_616)],
      ["bytes=-5", bytes.subarray(-5)],
      ["bytes=19999999-", bytes.subarray(-1)],
    ] as const)
      expect([range, await fetchFile(`${path}/download`, { range })]).toMatchObject([
        range,
        { status: 206, sha: sha256(part) },
      ]);
    expectStatus(await user.delete(path), "delete", 204);
    await worker.runScheduled("* * * * *");
    expect(await storedKeys()).toEqual([]);
  });

  it.each([1, 30_000_000])("a model of %i bytes goes up as the body itself", async (size) => {
    const model = await newModel();
    const bytes = randomBytes(size);
    const uploaded = await user.put(`${model}/versions`, bytes, { headers: BINARY });
    expectStatus(uploaded, "upload", 201);
    expect(uploaded.body).toMatchObject({ file_size: size, sha256: sha256(bytes) });
    const file = await fetchFile(`${model}/versions/1/download`);
    expect(file).toMatchObject({ status: 200, sha: sha256(bytes) });
    expectStatus(await user.delete(model), "delete", 204);
    await worker.runScheduled("* * * * *");
    expect(await storedKeys()).toEqual([]);
  });

  it("20 uploads at once keep apart", async () => {
    const files = Array.from({ length: 20 }, (_, i) => randomBytes(200_000 + i));
    const uploads = await Promise.all(
      files.map((bytes) => user.post("/api/datasets", fileForm({ name: "d" }, bytes, "d.bin"))),
    );
    const read = await Promise.all(uploads.map(({ body }) => fetchFile(`/api/datasets/${body.id}/download`)));
    expect(read.map(({ sha }) => sha)).toEqual(files.map(sha256));
    await Promise.all(uploads.map(({ body }) => user.delete(`/api/datasets/${body.id}`)));
    await worker.runScheduled("* * * * *");
    expect(await storedKeys()).toEqual([]);
  });

  it("an upload whose client goes away leaves nothing behind", async () => {
    const path = `${await newModel()}/versions`;
    const aWhile = () => new Promise<void>((resolve) => setTimeout(resolve, 500));
    const inParts = async () => void (await until(uploadsUnderWay, (count) => count === 1));
    await cutOff(path, { ...BINARY, "content-length": "5000000" }, 2_000_000, aWhile);
    await cutOff(path, { ...BINARY, "transfer-encoding": "chunked" }, 18_000_000, inParts);
    await until(uploadsUnderWay, (count) => count === 0, { withinMs: 5_000 });
    expect((await user.get(path)).body).toEqual([]);
    expect(await storedKeys()).toEqual([]);
  });

  const announced = (bytes: Uint8Array, sha = sha256(bytes)) => ({
    ...{ file_name: "große.bin", file_size: bytes.length, sha256: sha },
  });
  /** Sends parts as anybody could: without a credential, straight to the server. */
  async function sendParts(
    parts: { url: string; size: number; number: number }[],
    bytes: Uint8Array<ArrayBuffer>,
  ) {
    for (const { url, size, number } of parts) {
      expect(url.startsWith(gateway.settings.endpoint)).toBe(true);
      const start = (number - 1) * 8 * 1024 * 1024;
      const sent = await fetch(url, { method: "PUT", body: bytes.subarray(start, start + size) });
      expect([number, sent.status]).toEqual([number, 200]);
    }
  }

  it("a large file goes straight there in parts, is resumed, completed twice at once and fetched", async () => {
    const model = await newModel();
    const bytes = randomBytes(20_000_000);
    const { status, body } = await user.post(`${model}/uploads`, announced(bytes));
    expect([status, body.straight_to_storage, body.part_count]).toEqual([201, true, 3]);
    const path = `${model}/uploads/${body.upload_id}`;
    await sendParts([body.parts[0], body.parts[2]], bytes);
    const short = await fetch(body.parts[1].url, { method: "PUT", body: randomBytes(1000) });
    expect(short.status).toBe(403);
    const missing = await user.post(`${path}/complete`);
    expect([missing.status, missing.body.details.parts]).toEqual([409, [2]]);
    expectStatus(await user.put(`${path}/parts/2`, randomBytes(5), { headers: BINARY }), "through us", 409);
    const { parts } = (await user.get(path)).body;
    expect(parts.map((part: any) => part.arrived_size)).toEqual([8_388_608, undefined, 3_222_784]);
    await sendParts([parts[1]], bytes);
    const answers = await Promise.all([1, 2].map(() => user.post(`${path}/complete`)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[0]!.body).toEqual(answers[1]!.body);
    expect(answers[0]!.body).toMatchObject({ version: 1, sha256: sha256(bytes), file_size: 20_000_000 });
    expect((await user.get(`${model}/versions`)).body).toHaveLength(1);
    const { body: link } = await user.get(`${model}/versions/1/download-url`);
    expect(link).toMatchObject({ straight_to_storage: true, expires_at: expect.any(String) });
    const file = await fetch(link.url);
    expect(file.headers.get("content-disposition")).toContain("filename*=UTF-8''gro%C3%9Fe.bin");
    expect(sha256(await file.bytes())).toBe(sha256(bytes));
    expectStatus(await user.delete(model), "delete", 204);
    await worker.runScheduled("* * * * *");
    expect(await storedKeys()).toEqual([]);
  });

  it("a large file that is another than announced, aborted, or left with its model, leaves nothing", async () => {
    const bytes = randomBytes(9_000_000);
    const begin = async (sha?: string) => {
      const model = await newModel();
      const { body } = await user.post(`${model}/uploads`, announced(bytes, sha));
      await sendParts(body.parts, bytes);
      return { model, path: `${model}/uploads/${body.upload_id}` };
    };
    const wrong = await begin("0".repeat(64));
    for (let i = 0; i < 2; i++) expectStatus(await user.post(`${wrong.path}/complete`), "wrong", 422);
    const aborted = await begin();
    expectStatus(await user.delete(aborted.path), "abort", 204);
    const left = await begin();
    expectStatus(await user.delete(left.model), "delete", 204);
    expect(await uploadsUnderWay()).toBe(1);
    await worker.runScheduled("* * * * *");
    expect([await uploadsUnderWay(), await storedKeys()]).toEqual([0, []]);
  });

  it("health and uploads notice when the server is gone", async () => {
    expectStatus(await user.get("/health"), "health", 200);
    const model = await newModel();
    await gateway.stop();
    const health = await user.get("/health");
    expect([health.status, JSON.stringify(health.body)]).toEqual([503, expect.stringContaining("storage")]);
    const form = await user.post("/api/datasets", fileForm({ name: "d" }, "a,b\n1,2\n", "d.csv"));
    const raw = await user.put(`${model}/versions`, randomBytes(3_000_000), { headers: BINARY });
    for (const upload of [form, raw])
      expect([upload.status, upload.body.code]).toEqual([503, "STORAGE_UNAVAILABLE"]);
  });
});

import { randomUUID } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import { newUser, query, type User } from "./support/client.ts";

let user: User;
let notebook: string;
beforeAll(async () => {
  user = await newUser();
  notebook = await made("/api/notebooks", { name: "n" });
});

const OCTETS = { headers: { "content-type": "application/octet-stream" } };
async function made(path: string, body: Record<string, unknown>, who = user): Promise<string> {
  const answer = await who.post(path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body.id;
}
const bytes = (size: number, seed: number) =>
  Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed) & 255);
const upload = (metrics: unknown, body: Uint8Array, step = 0, id = notebook) =>
  user.put(
    `/api/notebooks/${id}/checkpoints?epoch=1&step=${step}&metrics=${encodeURIComponent(JSON.stringify(metrics))}`,
    body,
    OCTETS,
  );
const download = (path: string) => fetch(`${user.url}${path}`, { headers: user.headers });

it("streams a state of several megabytes in, and gives it back to the byte", async () => {
  const state = bytes(5_000_000, 1);
  const { status, body } = await upload({ loss: 0.5 }, state);
  expect(status).toBe(201);
  expect(body).toMatchObject({
    notebook_id: notebook,
    epoch: 1,
    step: 0,
    metrics: { loss: 0.5 },
    model_state_size: 5_000_000,
    optimizer_state_path: null,
  });
  const back = await download(body.model_state_path);
  expect(Buffer.compare(Buffer.from(await back.arrayBuffer()), Buffer.from(state))).toBe(0);
  const optimizer = `/api/notebooks/${notebook}/checkpoints/${body.id}/optimizer`;
  expect((await user.get(optimizer)).body.code).toBe("OPTIMIZER_STATE_NOT_FOUND");
  expect((await user.put(optimizer, bytes(100, 2), OCTETS)).body).toMatchObject({
    optimizer_state_size: 100,
  });
  expect((await user.put(optimizer, bytes(100, 3), OCTETS)).body.code).toBe("OPTIMIZER_STATE_EXISTS");
  expect(new Uint8Array(await (await download(optimizer)).arrayBuffer())).toEqual(bytes(100, 2));
});

it("takes small states in base64, and refuses what is none before anything is kept", async () => {
  const id = await made("/api/notebooks", { name: "small" });
  const post = (body: Record<string, unknown>) =>
    user.post(`/api/notebooks/${id}/checkpoints`, { epoch: 0, step: 1, metrics: {}, ...body });
  const good = await post({ model_state_base64: "AQID", optimizer_state_base64: "BAU=" });
  expect(good).toMatchObject({ status: 201, body: { model_state_size: 3, optimizer_state_size: 2 } });
  for (const bad of [
    { model_state_base64: "AQI" },
    { model_state_base64: "***" },
    { model_state_base64: "" },
    { model_state_base64: "AQID", optimizer_state_base64: "?" },
    { model_state_base64: "A".repeat(1_400_004) },
    { epoch: -1, model_state_base64: "AQID" },
  ])
    expect((await post(bad)).status).toBe(422);
  expect((await user.get(`/api/notebooks/${id}/checkpoints`)).body.map(({ id }: any) => id)).toEqual([
    good.body.id,
  ]);
});

it("refuses an empty state and bad metrics", async () => {
  expect((await upload({}, new Uint8Array())).status).toBeGreaterThanOrEqual(400);
  const address = `/api/notebooks/${notebook}/checkpoints`;
  for (const query of [
    "?epoch=1",
    "?epoch=1&step=x",
    "?epoch=1&step=1e3",
    "?epoch=1&step=1&metrics={",
    "?epoch=9999999999&step=1",
  ])
    expect((await user.put(`${address}${query}`, bytes(3, 1), OCTETS)).status, query).toBe(422);
});

it("finds the best by metric and direction, the older of equals, and none where none has a number", async () => {
  const id = await made("/api/notebooks", { name: "best" });
  const best = (query = "") => user.get(`/api/notebooks/${id}/checkpoints/best${query}`);
  expect((await best()).status).toBe(404);
  const given = [
    { loss: 3, acc: 0.1 },
    { loss: 1, acc: 0.9 },
    { loss: 1, acc: 0.5 },
    { loss: "0" },
    [0],
    { nested: { loss: 0 } },
  ];
  const ids: string[] = [];
  for (const metrics of given) {
    ids.push((await upload(metrics, bytes(3, 1), ids.length, id)).body.id);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  expect((await best()).body.id).toBe(ids[1]);
  expect((await best("?metric=loss&minimize=false")).body.id).toBe(ids[0]);
  expect((await best("?metric=acc&minimize=false")).body.id).toBe(ids[1]);
  expect((await best("?metric=nested")).status).toBe(404);
  expect((await best("?minimize=maybe")).status).toBe(422);
  const page = await user.get(`/api/notebooks/${id}/checkpoints?limit=4`);
  expect(page.body.map(({ id }: any) => id)).toEqual(ids.toReversed().slice(0, 4));
  const next = /<(.*?)>/.exec(page.headers.get("link") ?? "")![1]!;
  expect((await user.get(next)).body.map(({ id }: any) => id)).toEqual(ids.toReversed().slice(4));
});

it("takes null for no metrics", async () => {
  expect(await upload(null, bytes(3, 1))).toMatchObject({ status: 201, body: { metrics: {} } });
  const state = { epoch: 1, step: 1, model_state_base64: "AQID", metrics: null };
  const saved = await user.post(`/api/notebooks/${notebook}/checkpoints`, state);
  expect(saved).toMatchObject({ status: 201, body: { metrics: {} } });
});

it("refuses metrics the database could not look into, which would hide the best of them all", async () => {
  const id = await made("/api/notebooks", { name: "odd" });
  expect((await upload({ loss: 1 }, bytes(3, 1), 1, id)).status).toBe(201);
  for (const odd of [{ note: "a\u0000" }, { "\u0000": 1 }, { deep: ["\ud800"] }]) {
    expect((await upload(odd, bytes(3, 1), 2, id)).status).toBe(422);
    const state = { epoch: 1, step: 1, model_state_base64: "AQID", metrics: odd };
    expect((await user.post(`/api/notebooks/${id}/checkpoints`, state)).status).toBe(422);
  }
  expect((await upload({ note: "a\\u0000" }, bytes(3, 1), 3, id)).status).toBe(201);
  expect(await user.get(`/api/notebooks/${id}/checkpoints/best`)).toMatchObject({ status: 200 });
});

it("makes versions of checkpoints of this notebook in models of the caller's, and of and in no others", async () => {
  const state = bytes(70_000, 5);
  const { body: checkpoint } = await upload({ loss: 0.25 }, state, 7);
  const model = await made("/api/models", { name: "m", model_type: "mlp" });
  const into = (body: Record<string, unknown>, who = user, id = notebook) =>
    who.post(`/api/notebooks/${id}/upload-version`, body);
  const answer = await into({ checkpoint_id: checkpoint.id, model_id: model });
  expect(answer).toMatchObject({
    status: 201,
    body: { model_id: model, version: 1, checkpoint_id: checkpoint.id },
  });
  const version = await user.get(`/api/models/${model}/versions/1`);
  expect(version.body).toMatchObject({
    id: answer.body.version_id,
    metrics: { loss: 0.25 },
    file_size: 70_000,
  });
  const file = await download(`/api/models/${model}/versions/1/download`);
  expect(new Uint8Array(await file.arrayBuffer())).toEqual(state);

  const other = await newUser();
  const foreignModel = await made("/api/models", { name: "m", model_type: "mlp" }, other);
  const foreignNotebook = await made("/api/notebooks", { name: "n" }, other);
  const ownModel = foreignModel;
  expect((await into({ checkpoint_id: checkpoint.id, model_id: foreignModel })).status).toBe(404);
  expect(
    (await into({ checkpoint_id: checkpoint.id, model_id: ownModel }, other, foreignNotebook)).body.code,
  ).toBe("CHECKPOINT_NOT_FOUND");
  expect((await into({ checkpoint_id: checkpoint.id, model_id: ownModel }, other)).status).toBe(404);
  expect((await into({ checkpoint_id: randomUUID(), model_id: model })).status).toBe(404);
  expect((await other.get(`/api/models/${foreignModel}/versions`)).body).toEqual([]);
});

it("frees the files of a deleted notebook", async () => {
  const id = await made("/api/notebooks", { name: "gone" });
  const { body } = await upload({}, bytes(10, 1), 0, id);
  await user.put(`/api/notebooks/${id}/checkpoints/${body.id}/optimizer`, bytes(10, 2), OCTETS);
  const rows = await query("select blob_key, optimizer_blob_key from notebook_checkpoints where id = $1", [
    body.id,
  ]);
  const keys = [rows[0].blob_key, rows[0].optimizer_blob_key];
  const due = "select key from orphan_blobs where key = any($1) and delete_after <= now()";
  const orphans = () => query(due, [keys]);
  expect(await orphans()).toEqual([]);
  await user.delete(`/api/notebooks/${id}`);
  // For the next sweep, once a minute, which may have been there already.
  const left = (await orphans()).map(({ key }) => key);
  if (left.length > 0) expect(left.toSorted()).toEqual(keys.toSorted());
  expect((await user.get(`/api/notebooks/${id}/checkpoints/${body.id}/model`)).status).toBe(404);
});

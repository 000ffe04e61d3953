import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { anonymous, Client, newAdmin, newRun, newUser, query, type User } from "./support/client.ts";
import { fileForm } from "./support/holdings.ts";
import { expectStatus } from "./support/refusal.ts";

const fixture = (name: string) => new Uint8Array(readFileSync(`test/fixtures/formats/${name}`));
const ONNX_SIGNATURE = {
  inputs: [{ name: "x", dtype: "F32", shape: ["n", 4] }],
  outputs: [{ name: "y", dtype: "F32", shape: ["n", 2] }],
};

let user: User;
let other: User;
beforeAll(async () => {
  [user, other] = await Promise.all([newUser(), newUser()]);
});

async function newModel(extra: Record<string, unknown> = {}, owner = user): Promise<string> {
  const answer = await owner.post("/api/models", { name: `m ${randomUUID()}`, model_type: "mlp", ...extra });
  expectStatus(answer, "model", 201);
  return `/api/models/${answer.body.id}`;
}

async function upload(model: string, content: Uint8Array | string, owner = user) {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const type = { headers: { "content-type": "application/octet-stream" } };
  // Every file has the same name: it is the content that counts.
  const { status, body } = await owner.call("PUT", `${model}/versions?filename=model.bin`, bytes, type);
  expect(status).toBe(201);
  return body;
}

/** A run that no agent has a reason to take, with a dataset all the same. */
async function newRunOnData() {
  const form = fileForm({ name: randomUUID() }, "a,b\n1,2\n", "d.csv");
  const { body: data } = await user.post("/api/datasets", form);
  const run = await newRun(user);
  await query("update runs set dataset_id = $1 where id = $2", [data.id, run]);
  return { data, run };
}

describe("a version's format is what its file holds", () => {
  it.each([
    ["model.onnx", "onnx"],
    ["weights.safetensors", "safetensors"],
    ["checkpoint.pt", "pytorch"],
    ["legacy.pt", "pytorch"],
    ["evil.pkl", "pickle"],
    ["stored.npz", "npz"],
    ["fortran.npy", "npy"],
  ])("%s is %s", async (name, format) => {
    expect((await upload(await newModel(), fixture(name))).format).toBe(format);
  });

  it("and unknown where it is nothing known, or only begins so", async () => {
    const model = await newModel();
    expect((await upload(model, "just text")).format).toBe("unknown");
    const cut = await upload(model, fixture("weights.safetensors").slice(0, 100));
    expect(cut).toMatchObject({
      format: "unknown",
      file_name: "model.bin",
      file_size: 100,
      source: "upload",
    });
    const { body } = await user.get(`${model}/versions/2/download`);
    expect(body.length).toBeGreaterThan(0);
  });

  it("is found out about older ones when they are looked at", async () => {
    const model = await newModel();
    const { id } = await upload(model, fixture("model.onnx"));
    await query("update model_versions set format = null, signature = null where id = $1", [id]);
    expect((await user.get(`${model}/versions`)).body[0]).toMatchObject({ id, format: null });
    const found = { id, format: "onnx", signature: ONNX_SIGNATURE };
    expect((await user.get(`${model}/versions/1`)).body).toMatchObject(found);
    expect((await user.get(`${model}/versions`)).body[0]).toMatchObject(found);
  });
});

it("a version says what it takes, of whose making it is, and what data it comes from", async () => {
  const { data, run } = await newRunOnData();
  const model = await newModel();
  const form = fileForm({ training_run_id: run }, fixture("model.onnx"), "m.onnx");
  const { status, body } = await user.post(`${model}/versions`, form);
  expect(status).toBe(201);
  expect(body).toMatchObject({
    ...{ signature: ONNX_SIGNATURE, training_run_id: run, source: "upload", aliases: [], labels: {} },
    ...{ dataset_id: data.id, dataset_sha256: data.sha256 },
  });
  await query("delete from runs where id = $1", [run]);
  await query("delete from datasets where id = $1", [data.id]);
  const { body: later } = await user.get(`${model}/versions/1`);
  expect(later).toMatchObject({ dataset_sha256: data.sha256 });
  expect(later).not.toHaveProperty("dataset_id");
});

it("what a run trained and what it left are known by content, and by the data it was trained on", async () => {
  const { data, run } = await newRunOnData();
  const lineage = { dataset_id: data.id, dataset_sha256: data.sha256 };
  const type = { headers: { "content-type": "application/octet-stream" } };
  const path = `/api/training/runs/${run}/artifacts/out%2Fm.safetensors`;
  const put = await user.call("PUT", path, fixture("weights.safetensors"), type);
  expect([200, 201]).toContain(put.status);
  const left = await user.post(`/api/training/runs/${run}/register`, {
    ...{ path: "out/m.safetensors", model_name: randomUUID() },
  });
  expect(left.body).toMatchObject({ format: "safetensors", training_run_id: run, ...lineage });

  const { body: agent } = await user.post("/api/agents", { name: randomUUID() });
  await query(
    "update runs set executor = 'agent', agent_id = $1, lease_expires_at = now() + interval '30 seconds' where id = $2",
    [agent.id, run],
  );
  const holder = new Client(inject("url"), { "x-ic-token": agent.token });
  const trained = await holder.call("PUT", `/api/training/leases/${run}/model`, fixture("model.onnx"), type);
  expect(trained.body).toMatchObject({
    ...{ format: "onnx", source: "run", signature: ONNX_SIGNATURE, training_run_id: run },
    ...lineage,
  });
});

it("what is said of a version can be changed and cleared, its file never", async () => {
  const model = await newModel();
  const { sha256 } = await upload(model, fixture("weights.safetensors"));
  const change = (body: Record<string, unknown>) => user.call("PATCH", `${model}/versions/1`, body);
  const said = {
    description: "the good one",
    labels: { stage: "test" },
    signature: { inputs: [{ name: "x", dtype: "F32", shape: [null, "d", 3] }], outputs: [] },
    metrics: { accuracy: 0.9 },
  };
  expect(await change(said)).toMatchObject({ status: 200, body: { ...said, sha256 } });
  expect((await change({})).body).toMatchObject(said);
  expect((await change({ description: "better" })).body).toMatchObject({ ...said, description: "better" });
  const { body } = await change({ description: null, labels: null, signature: null, metrics: null });
  expect(body).toMatchObject({ labels: {}, sha256, format: "safetensors" });
  for (const key of ["description", "signature", "metrics"]) expect(body).not.toHaveProperty(key);
  const wrong = [{ labels: { "": "x" } }, { signature: { inputs: [] } }, { labels: { a: "x".repeat(251) } }];
  for (const one of wrong) expectStatus(await change(one), JSON.stringify(one).slice(0, 40), 422);
});

describe("a version is found", () => {
  let model: string;
  let versions: any[];
  beforeAll(async () => {
    model = await newModel();
    versions = [await upload(model, "one"), await upload(model, "two")];
    await user.put(`${model}/aliases/champion`, { version: 1 });
  });

  it("by its number, its id and an alias, wherever one is asked for", async () => {
    for (const ref of ["1", versions[0].id, versions[0].id.toUpperCase(), "@champion", "%40champion"]) {
      const { body } = await user.get(`${model}/versions/${ref}`);
      expect(body).toMatchObject({ version: 1, aliases: ["champion"] });
      expect((await user.get(`${model}/versions/${ref}/download`)).body).toBe("one");
    }
  });

  it("not by what belongs to another model", async () => {
    const stranger = await newModel();
    await upload(stranger, "theirs");
    for (const ref of [versions[0].id, "@champion", "2"]) {
      const answer = await user.get(`${stranger}/versions/${ref}`);
      expectStatus(answer, ref, 404);
      expect(answer.body.code).toBe("MODEL_VERSION_NOT_FOUND");
    }
  });

  it("by an alias that moves, is told with the model and goes with its version", async () => {
    const put = (version: number) => user.put(`${model}/aliases/staging`, { version });
    const [first, again] = [await put(1), await put(1)];
    expect(first).toMatchObject({ status: 200, body: { alias: "staging", version: 1 } });
    expect(again.body).toEqual(first.body);
    expect(await put(2)).toMatchObject({ status: 200, body: { version: 2, version_id: versions[1].id } });
    expect((await user.get(model)).body.aliases).toEqual({ champion: 1, staging: 2 });
    const { body } = await user.get(`${model}/aliases`);
    expect(body.map(({ alias, version }: any) => [alias, version])).toEqual([
      ["champion", 1],
      ["staging", 2],
    ]);
    expectStatus(await user.delete(`${model}/versions/@staging`), "version", 204);
    expect((await user.get(model)).body).toMatchObject({ aliases: { champion: 1 }, version_count: 1 });
    expectStatus(await user.delete(`${model}/aliases/champion`), "alias", 204);
    expectStatus(await user.delete(`${model}/aliases/champion`), "gone", 404);
    expectStatus(await user.put(`${model}/aliases/champion`, { version: 99 }), "no version", 404);
    for (const name of ["Champion", "1st", "null", "undefined", "x".repeat(64)])
      expectStatus(await user.put(`${model}/aliases/${name}`, { version: 1 }), name, 404);
  });
});

it("a model has at most a hundred aliases", async () => {
  const model = await newModel();
  const { id } = await upload(model, "one");
  await query(
    `insert into model_aliases (model_id, alias, version_id)
     select v.model_id, 'a' || n, v.id from model_versions v, generate_series(1, 100) n where v.id = $1`,
    [id],
  );
  expectStatus(await user.put(`${model}/aliases/a7`, { version: 1 }), "known", 200);
  const refused = await user.put(`${model}/aliases/one-more`, { version: 1 });
  expect(refused).toMatchObject({ status: 409, body: { code: "TOO_MANY_ALIASES" } });
});

it("a model has tags, labels and a card, which lists leave out", async () => {
  const card = "# Iris\n\nA *small* one.";
  const said = { tags: [" Vision", "vision", "ÉTÉ"], labels: { team: "a" }, card, description: "d" };
  const model = await newModel(said);
  const kept = { tags: ["vision", "été"], labels: { team: "a" }, visibility: "private", aliases: {} };
  expect((await user.get(model)).body).toMatchObject({ ...kept, card });
  const listed = (await user.get("/api/models?tag=VISION")).body;
  expect(listed).toEqual([expect.objectContaining(kept)]);
  expect(listed[0]).not.toHaveProperty("card");
  const { body } = await user.put(model, { card: null, description: null, tags: [], labels: {} });
  expect(body).toMatchObject({ tags: [], labels: {} });
  for (const key of ["card", "description"]) expect(body).not.toHaveProperty(key);
  const wrong = [
    { card: "é".repeat(100_001) },
    { tags: Array.from({ length: 51 }, (_, i) => `t${i}`) },
    { tags: [" "] },
    { labels: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, "v"])) },
    { visibility: "hidden" },
  ];
  for (const one of wrong) expectStatus(await user.put(model, one), JSON.stringify(one).slice(0, 40), 422);
  expectStatus(await user.put(model, { card: "é".repeat(100_000) }), "200 kB", 200);
});

it("finds models by part of the name, with wildcards taken for themselves", async () => {
  const owner = await newUser();
  await newModel({ name: "Iris 100%" }, owner);
  await newModel({ name: "iris_small", visibility: "public" }, owner);
  const names = async (filter: string) =>
    (await owner.get(`/api/models?${filter}`)).body.map(({ name }: any) => name);
  expect(await names("search=IRIS")).toEqual(["iris_small", "Iris 100%"]);
  expect(await names("search=%25")).toEqual(["Iris 100%"]);
  expect(await names("search=s_s")).toEqual(["iris_small"]);
  expect(await names("search=s_1")).toEqual([]);
  expect(await names("visibility=public")).toEqual(["iris_small"]);
  expect(await names("visibility=private&search=iris")).toEqual(["Iris 100%"]);
  const { headers } = await owner.get("/api/models?search=iris&limit=1");
  expect(headers.get("link")).toContain("search=iris");
});

describe("what anybody may see", () => {
  let shown: string;
  let hidden: string;
  const published = (model: string) => model.replace("/api/", "/api/public/");
  const idOf = (model: string) => model.split("/").at(-1)!;
  const idsSeenBy = async (client: Client) =>
    (await client.get("/api/public/models?search=public%20test")).body.map(({ id }: any) => id);

  beforeAll(async () => {
    const name = () => `public test ${randomUUID()}`;
    shown = await newModel({ name: name(), visibility: "public", card: "# hi" });
    hidden = await newModel({ name: name() });
    const run = await newRun(user);
    for (const model of [shown, hidden]) {
      await user.post(`${model}/versions`, fileForm({ training_run_id: run }, "weights", "w.bin"));
      await user.put(`${model}/aliases/champion`, { version: 1 });
    }
  });

  it("is public models, their versions and files, without what they come from", async () => {
    const nobody = anonymous();
    expect(await idsSeenBy(nobody)).toEqual([idOf(shown)]);
    const model = (await nobody.get(published(shown))).body;
    expect(model).toMatchObject({ user_id: user.id, card: "# hi", visibility: "public" });
    expect(JSON.stringify(model)).not.toContain(user.email);
    const [version] = (await nobody.get(`${published(shown)}/versions`)).body;
    expect(version).toMatchObject({ version: 1, format: "unknown", aliases: ["champion"] });
    for (const key of ["training_run_id", "dataset_id", "dataset_sha256"])
      expect(version).not.toHaveProperty(key);
    for (const ref of ["1", "@champion", version.id])
      expect((await nobody.get(`${published(shown)}/versions/${ref}/download`)).body).toBe("weights");
    expectStatus(await nobody.get(`${published(shown)}/versions/9/download`), "no such version", 404);
  });

  it("is nothing of a private one: it answers like one that never was", async () => {
    const versionId = (await user.get(`${hidden}/versions/1`)).body.id;
    const never = published(`/api/models/${randomUUID()}`);
    const paths = ["", "/versions", "/versions/1/download", "/versions/@champion/download"];
    for (const client of [anonymous(), other, user]) {
      for (const path of [...paths, `/versions/${versionId}/download`]) {
        const [ours, nones] = [await client.get(published(hidden) + path), await client.get(never + path)];
        expectStatus(ours, path, 404);
        expect({ ...ours.body, request_id: "" }).toEqual({ ...nones.body, request_id: "" });
      }
      // A private model's version is not found through a public one either.
      expectStatus(await client.get(`${published(shown)}/versions/${versionId}/download`), "foreign", 404);
    }
  });

  it("is his own to the owner besides, and nobody else's to anybody", async () => {
    expect(await idsSeenBy(user)).toEqual([idOf(hidden), idOf(shown)]);
    expect(await idsSeenBy(other)).toEqual([idOf(shown)]);
    const chief = await newAdmin();
    expect(await idsSeenBy(chief)).toEqual([idOf(shown)]);
    const { body } = await user.post("/api/tokens", { name: randomUUID(), scopes: ["datasets:read"] });
    const program = new Client(inject("url"), { "x-api-token": body.token });
    expect(await idsSeenBy(program)).toEqual([idOf(shown)]);
    const invalid = new Client(inject("url"), { authorization: "Bearer nonsense" });
    expect(await idsSeenBy(invalid)).toEqual([idOf(shown)]);
  });

  it("gives nobody a way to change it or reach it elsewhere", async () => {
    expectStatus(await anonymous().get(shown), "anonymous", 401);
    expectStatus(await other.get(shown), "other", 404);
    expectStatus(await other.put(shown, { name: "mine" }), "other", 404);
    const { body } = await user.get(`${shown}/versions/1`);
    const deploy = { name: `e-${randomUUID()}`, model_version_id: body.id };
    expectStatus(await other.post("/api/inference/endpoints", deploy), "deploy", 404);
  });

  it("ends when it is made private, or its owner suspended", async () => {
    const owner = await newUser();
    const model = await newModel({ visibility: "public" }, owner);
    expectStatus(await anonymous().get(published(model)), "public", 200);
    await query("update users set suspended_at = now() where id = $1", [owner.id]);
    expectStatus(await anonymous().get(published(model)), "suspended", 404);
    await query("update users set suspended_at = null where id = $1", [owner.id]);
    expectStatus(await anonymous().get(published(model)), "again", 200);
    await query("update models set is_public = false where id = $1", [idOf(model)]);
    expectStatus(await anonymous().get(published(model)), "private", 404);
  });
});

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, expect, inject, it } from "vitest";
import { Client, newAdmin, newUser, type User } from "./support/client.ts";
import { expectStatus } from "./support/refusal.ts";

const ONNX = new Uint8Array(readFileSync("test/fixtures/formats/model.onnx"));

let user: User;
beforeAll(async () => {
  user = await newUser();
});

async function newModel(): Promise<string> {
  const { body } = await user.post("/api/models", { name: randomUUID(), model_type: "mlp" });
  const model = `/api/models/${body.id}`;
  const type = { headers: { "content-type": "application/octet-stream" } };
  expectStatus(await user.call("PUT", `${model}/versions`, ONNX, type), "version", 201);
  return model;
}

async function deploy(model: string, owner: User, start = false) {
  const answer = await owner.post(`${model}/versions/1/deploy`, { name: `e-${randomUUID()}`, start });
  expectStatus(answer, "deploy", 201);
  return answer.body;
}

const call = (name: string, client = user) =>
  client.post(`/api/inference/predict/${name}`, { inputs: [[1, 2, 3, 4]] });

it("what an endpoint serves is not deleted, and the refusal names the endpoint", async () => {
  const model = await newModel();
  const endpoint = await deploy(model, user);
  const { id, name, status } = endpoint;
  for (const path of [model, `${model}/versions/1`, `${model}?force=false`]) {
    const refused = await user.delete(path);
    expect(refused).toMatchObject({ status: 409, body: { code: "MODEL_VERSION_IN_USE" } });
    expect(refused.body.details).toEqual({
      endpoints: [{ id, user_id: user.id, name, status }],
      other_endpoints: 0,
    });
  }
  expectStatus(await user.delete(`/api/inference/endpoints/${id}`), "endpoint", 204);
  expectStatus(await user.delete(model), "model", 204);
  expectStatus(await user.get(model), "gone", 404);
});

it("force stops what serves a model, and deletes it all", async () => {
  const model = await newModel();
  const [live, still] = [await deploy(model, user, true), await deploy(model, user)];
  expect(live.status).toBe("running");
  const calls = [call(live.name), call(live.name), call(live.name)];
  expectStatus(await user.delete(`${model}?force=true`), "force", 204);
  for (const { status } of await Promise.all(calls)) expect([200, 404, 409, 503]).toContain(status);
  for (const { id } of [live, still])
    expectStatus(await user.get(`/api/inference/endpoints/${id}`), "endpoint", 404);
  expectStatus(await call(live.name), "predict", 404);
  expectStatus(await user.get(model), "model", 404);
});

it("force on one version leaves the others and what serves them", async () => {
  const model = await newModel();
  const type = { headers: { "content-type": "application/octet-stream" } };
  await user.call("PUT", `${model}/versions`, ONNX, type);
  const kept = await user.post(`${model}/versions/2/deploy`, { name: `e-${randomUUID()}`, start: true });
  const going = await deploy(model, user, true);
  expectStatus(await user.delete(`${model}/versions/1?force=true`), "force", 204);
  expectStatus(await user.get(`/api/inference/endpoints/${going.id}`), "going", 404);
  expectStatus(await call(kept.body.name), "kept", 200);
  expect((await user.get(`${model}/versions`)).body.map(({ version }: any) => version)).toEqual([2]);
});

it("force touches nothing while somebody else's endpoint is among them, and does not say whose", async () => {
  const [admin, another] = await Promise.all([newAdmin(), newAdmin()]);
  const model = await newModel();
  const [ours, theirs] = [await deploy(model, user, true), await deploy(model, admin)];
  const refused = await user.delete(`${model}?force=true`);
  expect(refused).toMatchObject({
    status: 409,
    body: { code: "MODEL_VERSION_IN_USE", details: { endpoints: [], other_endpoints: 1 } },
  });
  expect(JSON.stringify(refused.body)).not.toContain(theirs.name);
  // Another administrator is told which it is, and no less refused.
  const details = (await another.delete(`${model}?force=true`)).body.details;
  expect(details).toMatchObject({ endpoints: [{ id: theirs.id, user_id: admin.id }], other_endpoints: 0 });
  expectStatus(await call(ours.name), "still served", 200);
  // Whose endpoint it is may take it along, and the owner's with it.
  expectStatus(await admin.delete(`${model}?force=true`), "their own", 204);
  expectStatus(await user.get(`/api/inference/endpoints/${ours.id}`), "ours", 404);
});

it("force takes the permission to delete endpoints, and names them only to who may list them", async () => {
  const model = await newModel();
  await deploy(model, user);
  const tokenFor = async (scopes: string[]) => {
    const { body } = await user.post("/api/tokens", { name: randomUUID(), scopes });
    return new Client(inject("url"), { "x-api-token": body.token });
  };
  const program = await tokenFor(["models:read", "models:write"]);
  expect(await program.delete(`${model}?force=true`)).toMatchObject({
    status: 403,
    body: { details: { permission: "endpoints:write" } },
  });
  const { status, body } = await program.delete(model);
  expect([status, body.details]).toEqual([409, { endpoints: [], other_endpoints: 1 }]);
  expectStatus(await user.get(model), "still there", 200);
  for (const force of ["yes", "1", ""])
    expectStatus(await user.delete(`${model}?force=${force}`), force, 422);
});

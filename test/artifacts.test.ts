import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeAll, expect, inject, it } from "vitest";
import { Client, newRun, newUser, query, type User } from "./support/client.ts";

let user: User;
let run: string;
beforeAll(async () => {
  user = await newUser();
  run = await newRun(user);
});

const OCTETS = { "content-type": "application/octet-stream" };
const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const address = (path: string, id = run) => `/api/training/runs/${id}/artifacts/${encodeURIComponent(path)}`;
const put = (
  path: string,
  text: string,
  headers: Record<string, string> = {},
  id = run,
  who: Client = user,
) => who.put(address(path, id), bytes(text), { headers: { ...OCTETS, ...headers } });
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const list = async (queryText = "", id = run) =>
  (await user.get(`/api/training/runs/${id}/artifacts${queryText}`)).body.map(({ path }: any) => path);

it("stores files of the owner's own programs, gives them back whole or in parts, and lists them by path", async () => {
  for (const path of ["b.txt", "a/2.txt", "a/1.txt", "ü €.txt"])
    expect((await put(path, `content of ${path}`)).body).toMatchObject({
      path,
      sha256: sha256(`content of ${path}`),
    });
  expect(await list()).toHaveLength(4);
  expect(await list("?prefix=a/")).toEqual(["a/1.txt", "a/2.txt"]);
  expect(await list("?prefix=%25")).toEqual([]);
  const whole = await user.get(address("ü €.txt"));
  expect([whole.body, whole.headers.get("etag")]).toEqual([
    "content of ü €.txt",
    `"${sha256("content of ü €.txt")}"`,
  ]);
  const part = await user.get(address("a/1.txt"), { headers: { range: "bytes=0-6" } });
  expect([part.status, part.body]).toEqual([206, "content"]);
  const pages: string[] = [];
  let next: string | undefined = `/api/training/runs/${run}/artifacts?limit=1`;
  while (next) {
    const { body, headers }: any = await user.get(next);
    pages.push(...body.map(({ path }: any) => path));
    next = /<([^>]+)>/.exec(headers.get("link") ?? "")?.[1];
  }
  expect(pages).toEqual(await list());
});

it("keeps nothing that is not what was said, or has nowhere to be", async () => {
  const id = await newRun(user);
  const wrong = await put("x", "abc", { "x-content-sha256": sha256("other") }, id);
  expect([wrong.status, wrong.body.code]).toEqual([422, "DIGEST_MISMATCH"]);
  expect((await put("x", "abc", { "x-content-sha256": "abc" }, id)).status).toBe(422);
  expect((await put("x", "abc", { "x-content-sha256": sha256("abc").toUpperCase() }, id)).status).toBe(201);
  for (const path of ["../x", "a/../../x", "/x", "a//b", "a\\b", "a\0b", ".", "a\nb", "x".repeat(300)])
    expect([path, (await put(path, "abc", {}, id)).status]).toEqual([path, expect.toBeOneOf([404, 422])]);
  expect(await list("", id)).toEqual(["x"]);
});

it("puts a file in the place of another, and of several at once keeps one whole", async () => {
  const id = await newRun(user);
  const texts = Array.from({ length: 8 }, (_, i) => `version ${i}`);
  const answers = await Promise.all(texts.map((text) => put("same", text, {}, id)));
  expect(answers.map(({ status }) => status)).toEqual(texts.map(() => 201));
  const { body } = await user.get(address("same", id));
  expect(texts).toContain(body);
  const [{ sha256: stored }] = (await user.get(`/api/training/runs/${id}/artifacts`)).body;
  expect(stored).toBe(sha256(body));
  const orphans = await query("select key from orphan_blobs where key like $1", [`runs/${id}/%`]);
  expect(orphans).toHaveLength(texts.length - 1);
});

it("leaves the files of a deleted run to the sweep", async () => {
  const id = await newRun(user);
  for (const path of ["a", "b"]) await put(path, path, {}, id);
  const blobs = await query("select blob_key from run_artifacts where run_id = $1", [id]);
  expect((await user.delete(`/api/training/runs/${id}`)).status).toBe(204);
  expect(await query("select 1 from run_artifacts where run_id = $1", [id])).toEqual([]);
  const left = await query("select key from orphan_blobs where key = any($1) and delete_after <= now()", [
    blobs.map(({ blob_key: key }: any) => key),
  ]);
  expect(left).toHaveLength(2);
  expect((await user.get(address("a", id))).status).toBe(404);
});

it("takes none from others, nor from an agent that does not hold the run", async () => {
  const other = await newUser();
  const { token } = (await other.post("/api/agents", { name: "a" })).body;
  const agent = new Client(inject("url"), { "x-ic-token": token });
  for (const who of [other, agent]) expect((await put("x", "abc", {}, run, who)).status).toBe(404);
  expect((await put("x", "abc", {}, run, new Client(inject("url")))).status).toBe(401);
  const forged = new Client(inject("url"), { authorization: "Bearer rt_made-up" });
  expect((await put("x", "abc", {}, run, forged)).body.code).toBe("TOKEN_INVALID");
  expect((await other.get(address("b.txt"))).status).toBe(404);
});

it("takes them from the agent that held a run when it was stopped, for a while", async () => {
  const agentOf = async () => {
    const { id, token } = (await user.post("/api/agents", { name: randomUUID() })).body;
    return { id: id as string, client: new Client(inject("url"), { "x-ic-token": token }) };
  };
  const [holder, other] = [await agentOf(), await agentOf()];
  const id = await newRun(user);
  const is = (set: string) => query(`update runs set agent_id = $1, ${set} where id = $2`, [holder.id, id]);
  const leave = async ({ client }: { client: Client }) => (await put("last", "x", {}, id, client)).status;
  await is("status = 'stopped', completed_at = now()");
  expect([await leave(holder), await leave(other)]).toEqual([201, 404]);
  await is("status = 'failed'");
  expect(await leave(holder)).toBe(404);
  await is("status = 'stopped', completed_at = now() - interval '16 minutes'");
  expect(await leave(holder)).toBe(404);
});

it("becomes a model version on request, the same one however often and at once it is asked for", async () => {
  const id = await newRun(user);
  const model = readFileSync("test/fixtures/formats/model.onnx");
  await user.put(address("out/model.onnx", id), new Uint8Array(model), { headers: OCTETS });
  await put("nonsense.onnx", "not a model", {}, id);
  await put("notes.txt", "no model", {}, id);
  await put("empty.onnx", "", {}, id);
  const register = (body: Record<string, unknown>, who: User = user) =>
    who.post(`/api/training/runs/${id}/register`, body);
  const name = `m-${randomUUID()}`;
  const answers = await Promise.all(
    [1, 2, 3].map(() => register({ path: "out/model.onnx", model_name: name })),
  );
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  const [version] = answers.map(({ body }) => body);
  expect(version).toMatchObject({
    training_run_id: id,
    file_name: "model.onnx",
    sha256: createHash("sha256").update(model).digest("hex"),
  });
  expect((await register({ path: "out/model.onnx", model_name: name })).body.id).toBe(version.id);
  expect((await register({ path: "out/model.onnx" })).body.id).not.toBe(version.id);
  expect((await register({ path: "notes.txt" })).body.code).toBe("NOT_A_MODEL");
  expect((await register({ path: "empty.onnx" })).body.code).toBe("NOT_A_MODEL");
  expect((await register({ path: "nonsense.onnx" })).body.code).toBe("NOT_A_MODEL");
  expect((await register({ path: "none.onnx" })).body.code).toBe("ARTIFACT_NOT_FOUND");
  expect((await register({ path: "out/model.onnx" }, await newUser())).status).toBe(404);
  // It outlives the run it came from.
  await user.delete(`/api/training/runs/${id}`);
  const file = await user.get(`/api/models/${version.model_id}/versions/${version.version}/download`);
  expect(file.headers.get("etag")).toBe(`"${version.sha256}"`);
});

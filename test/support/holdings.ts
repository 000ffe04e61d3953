import { type Client, newRun, type User } from "./client.ts";

/** The ids of one of everything a user can have. */
export interface Holdings {
  dataset: string;
  run: string;
  model: string;
  version: string;
  upload: string;
  agent: string;
  endpoint: string;
  token: string;
  notebook: string;
}

async function made(work: ReturnType<Client["post"]>): Promise<any> {
  const { status, body } = await work;
  if (status !== 201) throw new Error(`not made: ${status} ${JSON.stringify(body)}`);
  return body;
}

export function fileForm(fields: Record<string, string>, content: BlobPart, fileName: string): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("file", new Blob([content]), fileName);
  return form;
}

/** Makes one of everything; also returns the endpoint's name and the agent's token, which open doors of their own. */
export async function holdingsOf(user: User) {
  const dataset = await made(user.post("/api/datasets", fileForm({ name: "d" }, "a,b\n1,2\n", "d.csv")));
  const model = await made(user.post("/api/models", { name: "m", model_type: "mlp" }));
  const version = await made(user.post(`/api/models/${model.id}/versions`, fileForm({}, "model", "m.onnx")));
  const file = { file_name: "m.onnx", file_size: 3, sha256: "0".repeat(64) };
  const upload = await made(user.post(`/api/models/${model.id}/uploads`, file));
  const agent = await made(user.post("/api/agents", { name: "a" }));
  const endpointName = `e-${model.id}`;
  const endpoint = await made(
    user.post("/api/inference/endpoints", { name: endpointName, model_version_id: version.id }),
  );
  const token = await made(user.post("/api/tokens", { name: "t", scopes: ["*"] }));
  const notebook = await made(user.post("/api/notebooks", { name: "n" }));
  const ids: Holdings = {
    dataset: dataset.id,
    run: await newRun(user),
    model: model.id,
    version: version.id,
    upload: upload.upload_id,
    agent: agent.id,
    endpoint: endpoint.id,
    token: token.id,
    notebook: notebook.id,
  };
  return { ids, endpointName, agentToken: agent.token as string };
}

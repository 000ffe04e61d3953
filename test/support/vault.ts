import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What of Vault's HTTP interface we use, spoken as its documentation says, since no Vault can be had here: AppRole login,
 * renew-self, a KV v2 read. `broken` makes it misbehave.
 */
export async function startVault(secrets: Record<string, unknown>) {
  const state = {
    secrets,
    roleId: randomUUID(),
    secretId: randomUUID(),
    leaseSeconds: 3600,
    renewable: true,
    broken: undefined as "down" | "renewal" | "garbage" | "redirect" | undefined,
    calls: [] as string[],
  };
  const live = new Set<string>();
  const auth = () => {
    const token = `hvs.${randomUUID()}`;
    live.add(token);
    return { auth: { client_token: token, lease_duration: state.leaseSeconds, renewable: state.renewable } };
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const route = `${request.method} ${request.url}`;
    state.calls.push(route);
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (state.broken === "down") return answer(503, { errors: ["Vault is sealed"] });
    if (state.broken === "garbage") return response.writeHead(200).end("<html>");
    if (state.broken === "redirect")
      return response.writeHead(307, { location: "http://evil.example/" }).end();
    if (route === "POST /v1/auth/approle/login") {
      const { role_id, secret_id } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
      const isRight = role_id === state.roleId && secret_id === state.secretId;
      return isRight ? answer(200, auth()) : answer(400, { errors: ["invalid role or secret ID"] });
    }
    const token = String(request.headers["x-vault-token"]);
    if (!live.has(token)) return answer(403, { errors: ["permission denied"] });
    if (route === "POST /v1/auth/token/renew-self")
      return state.broken === "renewal"
        ? answer(400, { errors: ["lease is not renewable"] })
        : answer(200, auth());
    if (route === "GET /v1/secret/data/myelin") return answer(200, { data: { data: state.secrets } });
    return answer(404, { errors: [] });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    revokeAll: () => live.clear(),
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
}

export type Vault = Awaited<ReturnType<typeof startVault>>;

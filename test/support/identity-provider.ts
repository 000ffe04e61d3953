import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

export interface Person {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
  groups?: string[];
}

export interface Client {
  client_id: string;
  client_secret: string;
  redirect_uris: string[];
}

/** The certified `oidc-provider`, with people who sign in without being asked. */
export interface RealProvider {
  issuer: string;
  /** Who signs in next; nobody, who then says no. */
  next: Person | undefined;
  stop(): Promise<void>;
}

export async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}

async function configuration(clients: Client[], people: Map<string, Person>) {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  return {
    clients,
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "RS256", use: "sig", kid: "1" }] },
    cookies: { keys: ["test"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: { AccessToken: 60, AuthorizationCode: 60, Grant: 60, IdToken: 60, Interaction: 60, Session: 60 },
    pkce: { required: () => true },
    findAccount: (_: unknown, sub: string) => ({ accountId: sub, claims: () => people.get(sub) }),
  };
}

/** Signs the next person in and consents to everything. */
async function interact(
  provider: Provider,
  person: Person | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const finish = (result: unknown) => provider.interactionFinished(request, response, result);
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (!person) return finish({ error: "access_denied" });
  if (prompt.name === "login") return finish({ login: { accountId: person.sub } });
  const grant = new provider.Grant({ accountId: session!.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return finish({ consent: { grantId: await grant.save() } });
}

export async function startRealProvider(clients: Client[]): Promise<RealProvider> {
  const people = new Map<string, Person>();
  const server = createServer();
  const issuer = await listen(server);
  const provider = new Provider(issuer, await configuration(clients, people));
  const real: RealProvider = { issuer, next: undefined, stop: () => close(server) };
  const protocol = provider.callback();
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (!request.url!.startsWith("/interaction/")) return protocol(request, response);
    if (real.next) people.set(real.next.sub, real.next);
    interact(provider, real.next, request, response).catch((error: unknown) =>
      response.writeHead(500).end(String(error)),
    );
  });
  return real;
}

import type { AppContext } from "#http/context";
import type { Actor, AnonymousReason } from "../../kernel/actor.ts";
import type { Ctx } from "../../kernel/ctx.ts";
import { sha256Hex } from "../../kernel/secret.ts";
import { findAgentByTokenHash } from "../agents/index.ts";
import { cacheActor, cachedActor, findSessionActor } from "../sessions/index.ts";

/** Routes called so often that a database round trip each would dominate them. */
const HOT: [method: string, path: RegExp][] = [
  ["POST", /^\/api\/inference\/predict\//],
  ["POST", /^\/api\/training\/runs\/[^/]+\/(?:metrics|logs)$/],
];

const anonymous = (reason: AnonymousReason): Actor => ({ kind: "anonymous", reason });

type Sources = Pick<Ctx, "db" | "tokens" | "settings">;

async function userBehind(token: string, sources: Sources, now: Date): Promise<Actor> {
  const verified = await sources.tokens.verifyAccess(token, now);
  if (!verified.ok) return anonymous(verified.reason === "expired" ? "TOKEN_EXPIRED" : "TOKEN_INVALID");
  // Role and address come from the account, not from the token: a demotion bites at once.
  return (await findSessionActor(sources, verified.claims.sessionId, now)) ?? anonymous("SESSION_ENDED");
}

async function agentBehind(token: string, { db }: Sources): Promise<Actor> {
  const row = await findAgentByTokenHash(db, await sha256Hex(token));
  if (!row) return anonymous("TOKEN_INVALID");
  return { kind: "agent", id: row.id, ownerId: row.ownerId, name: row.name, shared: row.shared };
}

/** Who a token stands for, whatever route it came by. */
export function actorOf(token: string, sources: Sources, now: Date): Promise<Actor> {
  return token.startsWith("ic_") ? agentBehind(token, sources) : userBehind(token, sources, now);
}

function tokenOf(c: AppContext): string | undefined {
  const agentToken = c.req.header("x-ic-token");
  if (agentToken) return agentToken;
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  return bearer ?? tokenOfProtocols(c.req.header("sec-websocket-protocol"));
}

/** Browsers cannot set headers on a WebSocket; they name the token as a protocol, `bearer.<access token>`. */
const tokenOfProtocols = (protocols = ""): string | undefined =>
  /(?:^|,)\s*bearer\.([^\s,]+)/.exec(protocols)?.[1];

/** The actor of a request; a bad credential makes it anonymous, and `allow` says why. */
export async function authenticate(c: AppContext, sources: Sources): Promise<Actor> {
  const token = tokenOf(c);
  if (!token) return anonymous(c.req.header("authorization") ? "TOKEN_INVALID" : "TOKEN_MISSING");
  const now = new Date();
  const isHot = HOT.some(([method, path]) => c.req.method === method && path.test(c.req.path));
  const cached = isHot ? cachedActor(token, now) : undefined;
  if (cached) return cached;
  const actor = await actorOf(token, sources, now);
  if (actor.kind !== "anonymous") cacheActor(token, actor, now);
  return actor;
}

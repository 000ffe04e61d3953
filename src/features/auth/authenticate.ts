import type { AppContext } from "#http/context";
import { sayLimit } from "#http/rate-limit";
import type { Actor, AnonymousReason } from "../../kernel/actor.ts";
import type { Client, Ctx } from "../../kernel/ctx.ts";
import { rateLimited } from "../../kernel/rate-limits.ts";
import { findAgentActor } from "../agents/index.ts";
import { findRunActor, isRunToken } from "../runs/index.ts";
import { cacheActor, cachedActor, findSessionActor } from "../sessions/index.ts";
import { admitToken, countUse, isApiToken, noteUse } from "../tokens/index.ts";
import { type Credential, credentialOf } from "./credential.ts";

/** Routes called so often that a database round trip each would dominate them. */
const HOT: [method: string, path: RegExp][] = [
  ["POST", /^\/api\/inference\/predict\//],
  ["POST", /^\/api\/training\/runs\/[^/]+\/(?:metrics|logs)$/],
];

const anonymous = (reason: AnonymousReason): Actor => ({ kind: "anonymous", reason });

type Sources = Pick<Ctx, "db" | "tokens" | "settings" | "limiter" | "log">;

interface Asked {
  now: Date;
  /** Where the request comes from. */
  ip: string | null;
  /** Whether what was read within the last seconds is good enough. */
  mayCache: boolean;
}

async function sessionBehind(token: string, sources: Sources, { now, mayCache }: Asked): Promise<Actor> {
  const cached = mayCache ? cachedActor(token, now) : undefined;
  if (cached) return cached;
  const verified = await sources.tokens.verifyAccess(token, now);
  if (!verified.ok) return anonymous(verified.reason === "expired" ? "TOKEN_EXPIRED" : "TOKEN_INVALID");
  // Role and address come from the account, not from the token: a demotion bites at once.
  const actor = await findSessionActor(sources, verified.claims.sessionId, now);
  if (!actor) return anonymous("SESSION_ENDED");
  cacheActor(token, actor, now);
  return actor;
}

/** The owner of an API token, narrowed to it; counts the request for the token's own limit. */
async function programBehind(c: AppContext, token: string, sources: Sources, asked: Asked): Promise<Actor> {
  const admitted = await admitToken(sources, token, asked);
  if (!admitted.ok) return anonymous(admitted.reason);
  const { grant } = admitted;
  const count = await countUse(sources, grant);
  if (count) sayLimit(c, count);
  if (count?.allowed === false) throw rateLimited(count);
  const noted = noteUse(sources, grant, asked);
  if (noted)
    c.executionCtx.waitUntil(
      noted.catch((error: unknown) => sources.log("error", "tokens.use_not_noted", { error })),
    );
  return grant.actor;
}

async function actorOf(
  c: AppContext,
  { token, kind }: Credential,
  sources: Sources,
  asked: Asked,
): Promise<Actor> {
  if (kind !== "agent" && isApiToken(token)) return programBehind(c, token, sources, asked);
  if (kind === "program") return anonymous("TOKEN_INVALID");
  if (kind === "any" && isRunToken(token))
    return (await findRunActor(sources, token, asked)) ?? anonymous("TOKEN_INVALID");
  if (kind === "agent" || token.startsWith("ic_"))
    return (await findAgentActor(sources, token, asked)) ?? anonymous("TOKEN_INVALID");
  return sessionBehind(token, sources, asked);
}

/** The actor of a request; a bad credential makes it anonymous, and `allow` says why. */
export async function authenticate(c: AppContext, sources: Sources, { ip }: Client): Promise<Actor> {
  const credential = credentialOf((name) => c.req.header(name));
  if (!credential) return anonymous("TOKEN_MISSING");
  const mayCache = HOT.some(([method, path]) => c.req.method === method && path.test(c.req.path));
  return actorOf(c, credential, sources, { now: new Date(), ip, mayCache });
}

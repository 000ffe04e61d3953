import { AppError } from "./errors.ts";

export const ROLES = ["admin", "user", "viewer"] as const;
export type Role = (typeof ROLES)[number];

/** Why a request counts as anonymous although it may have carried a credential. */
export type AnonymousReason = "TOKEN_MISSING" | "TOKEN_INVALID" | "TOKEN_EXPIRED" | "SESSION_ENDED";

export type Actor =
  | { kind: "anonymous"; reason: AnonymousReason }
  | { kind: "user"; id: string; email: string; role: Role; sessionId: string }
  | { kind: "agent"; id: string; ownerId: string; name: string; shared: boolean };

export type UserActor = Extract<Actor, { kind: "user" }>;
export type AgentActor = Extract<Actor, { kind: "agent" }>;

const READS = [
  "account:self",
  "datasets:read",
  "runs:read",
  "models:read",
  "endpoints:read",
  "agents:read",
  "inference:predict",
] as const;
const WRITES = ["datasets:write", "runs:write", "models:write", "endpoints:write", "agents:write"] as const;
const ADMIN = ["users:admin", "agents:share"] as const;

export type Permission = (typeof READS)[number] | (typeof WRITES)[number] | (typeof ADMIN)[number];

/** The one table of who may do what. Ownership is checked on top of it, in every query. */
export const PERMISSIONS: Record<Role, ReadonlySet<Permission>> = {
  viewer: new Set(READS),
  user: new Set([...READS, ...WRITES]),
  admin: new Set([...READS, ...WRITES, ...ADMIN]),
};

const ANONYMOUS_TEXT: Record<AnonymousReason, string> = {
  TOKEN_MISSING: "Sign in first: send an access token as `Authorization: Bearer …`.",
  TOKEN_INVALID: "The token is not valid here.",
  TOKEN_EXPIRED: "The token has expired; use the refresh token to get a new one.",
  SESSION_ENDED: "The session behind this token has ended; sign in again.",
};

/** The 401 that says why nobody is known to be calling. */
export function unauthenticated(actor: Actor): AppError {
  const reason = actor.kind === "anonymous" ? actor.reason : "TOKEN_INVALID";
  return new AppError("unauthenticated", reason, ANONYMOUS_TEXT[reason]);
}

/** First line of every verb: the signed-in user when the role grants `permission`, else 401 or 403. */
export function allow(ctx: { actor: Actor }, permission: Permission): UserActor {
  const { actor } = ctx;
  if (actor.kind !== "user") throw unauthenticated(actor);
  if (!PERMISSIONS[actor.role].has(permission)) {
    throw new AppError(
      "forbidden",
      "PERMISSION_DENIED",
      `The role ${actor.role} lacks the permission ${permission}.`,
    );
  }
  return actor;
}

/** First line of the verbs only a compute agent may call. */
export function allowAgent(ctx: { actor: Actor }): AgentActor {
  if (ctx.actor.kind !== "agent") throw unauthenticated(ctx.actor);
  return ctx.actor;
}

/** Whose rows a query may touch: one owner's, or everybody's (`null`, administrators only). */
export type Scope = string | null;

export const scopeOf = (actor: UserActor): Scope => (actor.role === "admin" ? null : actor.id);

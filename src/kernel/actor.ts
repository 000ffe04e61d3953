import { AppError } from "./errors.ts";

export const ROLES = ["admin", "user", "viewer"] as const;
export type Role = (typeof ROLES)[number];

/** Why a request counts as anonymous although it may have carried a credential. */
export type AnonymousReason =
  | "TOKEN_MISSING"
  | "TOKEN_INVALID"
  | "TOKEN_EXPIRED"
  | "TOKEN_ADDRESS_REFUSED"
  | "SESSION_ENDED";

/** The session a user's request belongs to. */
export interface SessionRef {
  id: string;
  /** When a password or a factor was last shown in it. */
  authenticatedAt: Date;
  /** When a second factor was last shown in it. */
  factorAt: Date | null;
  methods: readonly string[];
}

export type Actor =
  | { kind: "anonymous"; reason: AnonymousReason }
  | {
      kind: "user";
      id: string;
      email: string;
      /** The built-in role, or the one a custom role builds on. */
      role: Role;
      /** What it is called: the custom role's name where there is one. */
      roleName: string;
      permissions: ReadonlySet<Permission>;
      /** Its role demands a second factor, and it has shown none, or has none left. */
      mfaMissing: boolean;
      /** `null` for a program that acts by an API token. */
      session: SessionRef | null;
      tokenId: string | null;
    }
  | {
      kind: "agent";
      id: string;
      ownerId: string;
      name: string;
      shared: boolean;
      /** What its owner may do at this moment: it acts on nothing but that. */
      permissions: ReadonlySet<Permission>;
    }
  /** The process of one run, by the token it was started with: it may write to that run and nothing else. */
  | { kind: "run"; id: string; ownerId: string };

export type UserActor = Extract<Actor, { kind: "user" }>;
export type AgentActor = Extract<Actor, { kind: "agent" }>;

const READS = [
  "account:self",
  "datasets:read",
  "runs:read",
  "models:read",
  "endpoints:read",
  "agents:read",
  "notebooks:read",
  "tokens:read",
  "inference:predict",
  "system:read",
] as const;
const WRITES = [
  "datasets:write",
  "runs:write",
  "runs:command",
  "models:write",
  "endpoints:write",
  "agents:write",
  "notebooks:write",
  "notebooks:run",
  "tokens:write",
  "system:benchmark",
] as const;
const ADMIN = [
  "users:read",
  "users:write",
  "roles:write",
  "sessions:admin",
  "audit:read",
  "mail:read",
  "stats:read",
  "agents:share",
  "terminal:open",
  "terminal:review",
] as const;

export const PERMISSION_NAMES = [...READS, ...WRITES, ...ADMIN] as const;
export type Permission = (typeof PERMISSION_NAMES)[number];

/** The one table of who may do what. Ownership is checked on top of it, in every query. */
export const PERMISSIONS: Record<Role, ReadonlySet<Permission>> = {
  viewer: new Set(READS),
  user: new Set([...READS, ...WRITES]),
  admin: new Set(PERMISSION_NAMES),
};

/** Whether only administrators, and roles that build on theirs, may have a permission. */
export const isForAdmins = (name: Permission): boolean => (ADMIN as readonly string[]).includes(name);

/** What of `names` the caller does not have, and so cannot give to a token, a role or an account. */
export const beyond = (actor: UserActor, names: Iterable<Permission>): Permission[] =>
  [...names].filter((name) => !actor.permissions.has(name));

/** An administrator by the built-in role with nothing taken away. No custom role can have its name. */
export const isFullAdmin = (actor: UserActor): boolean =>
  actor.roleName === "admin" && beyond(actor, PERMISSION_NAMES).length === 0;

export const isPermission = (name: string): name is Permission =>
  PERMISSION_NAMES.includes(name as Permission);

interface Grants {
  role: Role;
  /** What a custom role has instead of its base's permissions. */
  custom?: { permissions: readonly string[]; denied: readonly string[] } | null;
  /** Denied to the account itself. */
  denied: readonly string[];
  /** The scopes of an API token; `*` is all the account has. */
  scopes?: readonly string[] | undefined;
}

/** What an account may do in the end. A denial beats every grant, and a token's scopes only ever narrow. */
export function permissionsOf({ role, custom, denied, scopes }: Grants): ReadonlySet<Permission> {
  // Without anything special, which is the rule, nothing has to be made for a request.
  if (!custom && denied.length === 0 && !scopes) return PERMISSIONS[role];
  const granted = custom ? custom.permissions.filter(isPermission) : [...PERMISSIONS[role]];
  const refused = new Set([...denied, ...(custom?.denied ?? [])]);
  const inScope = (name: Permission) => !scopes || scopes.includes("*") || scopes.includes(name);
  return new Set(granted.filter((name) => !refused.has(name) && inScope(name)));
}

const ANONYMOUS_TEXT: Record<AnonymousReason, string> = {
  TOKEN_MISSING: "Sign in first: send an access token as `Authorization: Bearer …`.",
  TOKEN_INVALID: "The token is not valid here.",
  TOKEN_EXPIRED: "The token has expired; use the refresh token to get a new one, or make a new API token.",
  TOKEN_ADDRESS_REFUSED: "This API token may not be used from your address.",
  SESSION_ENDED: "The session behind this token has ended; sign in again.",
};

/** The 401 that says why nobody is known to be calling; 403 for a good token from where it may not be used. */
export function unauthenticated(actor: Actor): AppError {
  const reason = actor.kind === "anonymous" ? actor.reason : "TOKEN_INVALID";
  const kind = reason === "TOKEN_ADDRESS_REFUSED" ? "forbidden" : "unauthenticated";
  return new AppError(kind, reason, ANONYMOUS_TEXT[reason]);
}

const mfaRequired = () =>
  new AppError(
    "forbidden",
    "MFA_REQUIRED",
    "Your role demands a second factor. Set one up (POST /api/auth/mfa/totp/setup), or sign in with yours.",
  );

const permissionDenied = (who: string, permission: Permission) =>
  new AppError("forbidden", "PERMISSION_DENIED", `${who} lacks the permission ${permission}.`, {
    permission,
  });

/** First line of every verb: the signed-in user when the role grants `permission`, else 401 or 403. */
export function allow(ctx: { actor: Actor }, permission: Permission): UserActor {
  const { actor } = ctx;
  if (actor.kind !== "user") throw unauthenticated(actor);
  if (!actor.permissions.has(permission)) {
    if (actor.mfaMissing) throw mfaRequired();
    const who = actor.tokenId === null ? `The role ${actor.roleName}` : "This API token";
    throw permissionDenied(who, permission);
  }
  return actor;
}

export type SignedInUser = UserActor & { session: SessionRef };

/** First line of the verbs that concern the account itself: a person who signed in, never a program's token. */
export function allowPerson(ctx: { actor: Actor }, permission: Permission): SignedInUser {
  const actor = allow(ctx, permission);
  if (actor.session) return actor as SignedInUser;
  throw new AppError("forbidden", "SESSION_REQUIRED", "An API token cannot do this; sign in as a person.");
}

const FRESH_SECONDS = 300;

/** For what a stolen access token must not be enough for: the password or a factor was shown within five minutes. */
export function requireFresh({ session }: SignedInUser, now: Date): void {
  if (now.getTime() - session.authenticatedAt.getTime() <= FRESH_SECONDS * 1000) return;
  throw new AppError(
    "forbidden",
    "REAUTHENTICATION_REQUIRED",
    "Show your password or a second factor again first (POST /api/auth/reauthenticate).",
    { max_age_seconds: FRESH_SECONDS },
  );
}

/** Likewise, but a second factor it must be. */
export function requireFreshFactor({ session }: SignedInUser, now: Date): void {
  if (session.factorAt && now.getTime() - session.factorAt.getTime() <= FRESH_SECONDS * 1000) return;
  throw new AppError(
    "forbidden",
    "FACTOR_REQUIRED",
    "Show a second factor again first (POST /api/auth/reauthenticate).",
    { max_age_seconds: FRESH_SECONDS },
  );
}

const AGENT_NEEDS = ["agents:write", "runs:write"] satisfies Permission[];

/** First line of the verbs only a compute agent may call: its owner must still be one who may run agents. */
export function allowAgent(ctx: { actor: Actor }): AgentActor {
  const { actor } = ctx;
  if (actor.kind !== "agent") throw unauthenticated(actor);
  const missing = AGENT_NEEDS.find((name) => !actor.permissions.has(name));
  if (missing) throw permissionDenied("The agent's owner", missing);
  return actor;
}

/** Whose rows a query may touch: one owner's, or everybody's (`null`, administrators only). */
export type Scope = string | null;

export const scopeOf = (actor: UserActor): Scope => (actor.role === "admin" ? null : actor.id);

import { z } from "zod";
import type { LdapOptions } from "./adapters/ldap.ts";
import { plainDn } from "./adapters/ldap-text.ts";
import type { OidcOptions } from "./adapters/oidc.ts";
import { type Role, ROLES } from "./kernel/actor.ts";

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

const urlOf = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);

/** `secure` anywhere, `plain` on this machine only. */
function isGuarded(text: string, secure: string, plain: string): boolean {
  const url = urlOf(text);
  return url?.protocol === secure || (url?.protocol === plain && LOOPBACK.test(url.hostname));
}

const RoleMap = z.record(z.string().min(1), z.enum(ROLES));

const OidcProvider = z
  .strictObject({
    /** Part of addresses, and of what sessions say of themselves; `ldap` names the directory's identities. */
    name: z
      .string()
      .regex(/^[a-z0-9-]{1,40}$/, "must be of a-z, 0-9 and -")
      .refine((name) => name !== "ldap", "is taken by the directory"),
    issuer: z
      .string()
      .refine(
        (issuer) => isGuarded(issuer, "https:", "http:"),
        "must be an https address (http: loopback only)",
      )
      // From such an address any issuer's name would be taken, and with it any other provider's people.
      .refine((issuer) => !issuer.includes("/.well-known/"), "must be the issuer, not where its metadata is"),
    client_id: z.string().min(1),
    client_secret: z.string().min(1).optional(),
    label: z.string().trim().min(1).max(60).optional(),
    scopes: z
      .string()
      .default("openid email profile")
      .refine((scopes) => scopes.split(" ").includes("openid"), "must include openid"),
    role_claim: z.string().min(1).optional(),
    roles: RoleMap.default({}),
    link_verified_email: z.boolean().default(false),
    allow_signup: z.boolean().default(true),
  })
  .transform((given): OidcOptions => ({
    name: given.name,
    label: given.label ?? given.name,
    issuer: given.issuer,
    clientId: given.client_id,
    clientSecret: given.client_secret,
    scopes: given.scopes,
    roleClaim: given.role_claim,
    roles: new Map(Object.entries(given.roles)),
    linkVerifiedEmail: given.link_verified_email,
    allowSignup: given.allow_signup,
  }));

const haveOwnNames = (providers: { name: string }[]) =>
  new Set(providers.map(({ name }) => name)).size === providers.length;

/** JSON in a variable. What is wrong is said by place and rule; the text itself holds secrets and is never shown. */
const jsonText = <T>(shape: z.ZodType<T>, what: string) =>
  z.string().transform((text, ctx): T => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      ctx.addIssue(`must be ${what}`);
      return z.NEVER;
    }
    const parsed = shape.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const { path, message } of parsed.error.issues)
      ctx.addIssue(`must be ${what}: ${[...path, message].join(" ")}`);
    return z.NEVER;
  });

export const oidcProviders = jsonText(
  z.array(OidcProvider).refine(haveOwnNames, "names a provider twice"),
  "a JSON array of providers",
);

export const roleGroups = jsonText(
  RoleMap.transform(
    (groups): ReadonlyMap<string, Role> =>
      new Map(Object.entries(groups).map(([dn, role]) => [plainDn(dn), role])),
  ),
  "a JSON object of group names and roles",
);

export const ldapUrl = z
  .string()
  .refine(
    (text) => /^ldaps?:\/\/[^/]+$/.test(text) && URL.canParse(text),
    "must be ldap://host or ldaps://host",
  );

/** The variables a directory is described by. */
export interface LdapVariables {
  LDAP_URL?: string | undefined;
  LDAP_BIND_DN?: string | undefined;
  LDAP_BIND_PASSWORD?: string | undefined;
  LDAP_BASE_DN?: string | undefined;
  LDAP_USER_FILTER: string;
  LDAP_GROUP_FILTER?: string | undefined;
  LDAP_GROUP_ATTRIBUTE: string;
  LDAP_ROLE_GROUPS?: ReadonlyMap<string, Role> | undefined;
  LDAP_TIMEOUT_MS: number;
  LDAP_ALLOW_PLAIN: boolean;
}

/** Why passwords may not go to the directory as configured, if so. */
export function ldapFault({ LDAP_URL, LDAP_ALLOW_PLAIN }: LdapVariables): string | undefined {
  if (LDAP_URL === undefined || LDAP_ALLOW_PLAIN || isGuarded(LDAP_URL, "ldaps:", "ldap:")) return undefined;
  return "LDAP_URL would send passwords in clear: use ldaps://, or set LDAP_ALLOW_PLAIN=true";
}

/** The directory as configured; nothing where there is none. */
export function ldapOptionsOf(config: LdapVariables): LdapOptions | undefined {
  const { LDAP_URL: url, LDAP_BASE_DN: baseDn } = config;
  if (url === undefined || baseDn === undefined) return undefined;
  return {
    ...{ url, baseDn },
    bindDn: config.LDAP_BIND_DN,
    bindPassword: config.LDAP_BIND_PASSWORD,
    userFilter: config.LDAP_USER_FILTER,
    groupFilter: config.LDAP_GROUP_FILTER,
    groupAttribute: config.LDAP_GROUP_ATTRIBUTE,
    roleGroups: config.LDAP_ROLE_GROUPS,
    timeoutMs: config.LDAP_TIMEOUT_MS,
  };
}

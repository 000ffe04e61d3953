import { BusyError, Client, type Entry, ResultCodeError, UnavailableError } from "ldapts";
import type { Role } from "../kernel/actor.ts";
import type { Directory, DirectoryReply } from "../kernel/ports/directory.ts";
import type { ExternalPerson } from "../kernel/ports/identity-provider.ts";
import { mappedRole } from "../kernel/role-mapping.ts";
import { toHex } from "../kernel/secret.ts";
import { fillFilter, plainDn, plainText } from "./ldap-text.ts";

export interface LdapOptions {
  /** `ldap://` or `ldaps://`. */
  url: string;
  /** Who searches; nobody (an anonymous bind) when unset. */
  bindDn?: string;
  bindPassword?: string;
  baseDn: string;
  /** With `{username}` for what was typed. */
  userFilter: string;
  /** Finds the groups of `{dn}` or `{username}`; the entry's own attribute says them when unset. */
  groupFilter?: string;
  groupAttribute: string;
  /** Group DN → role, the DNs in plain spelling; the directory says nothing of roles when unset. */
  roleGroups?: ReadonlyMap<string, Role>;
  timeoutMs: number;
}

const NAMES = ["displayName", "cn"];
const LOGINS = ["uid", "sAMAccountName"];
/** What an entry is called for ever: by OpenLDAP and most others, by 389 Directory Server, by Active Directory. */
const LASTING = ["entryUUID", "nsUniqueId", "objectGUID"];

/** The values of an attribute, whose name servers spell as they like; bytes in hex. */
function texts(entry: Entry, attribute: string): string[] {
  const name = Object.keys(entry).find((key) => key.toLowerCase() === attribute.toLowerCase());
  return [(name && entry[name]) ?? []]
    .flat()
    .map((value) => (typeof value === "string" ? value : toHex(value)))
    .filter((text) => text !== "");
}

const first = (entry: Entry, attributes: string[]): string | null =>
  attributes.flatMap((attribute) => texts(entry, attribute))[0] ?? null;

const unavailable = (error: unknown): DirectoryReply => ({
  ok: false,
  reason: "unavailable",
  detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
});

/** Sign-in against an LDAP directory: search with an account of our own, then bind as the entry that was found. */
export function createLdapDirectory(options: LdapOptions): Directory {
  const { url, baseDn, timeoutMs, groupAttribute, groupFilter, roleGroups } = options;
  const issuer = `${url}/${plainDn(baseDn)}`;

  const nobody = (username: string): Entry => ({
    ...{ dn: `cn=${crypto.randomUUID()},${baseDn}`, entryUUID: `nobody:${plainText(username)}` },
  });

  async function search(client: Client, username: string): Promise<Entry[]> {
    const { searchEntries } = await client.search(baseDn, {
      scope: "sub",
      filter: fillFilter(options.userFilter, { username }),
      // Two are as bad as many.
      sizeLimit: 2,
      attributes: ["mail", groupAttribute, ...LASTING, ...LOGINS, ...NAMES],
      explicitBufferAttributes: ["objectGUID"],
    });
    return searchEntries;
  }

  async function groupsOf(client: Client, entry: Entry, username: string): Promise<string[]> {
    if (groupFilter === undefined) return texts(entry, groupAttribute);
    const { searchEntries } = await client.search(baseDn, {
      scope: "sub",
      // What was typed may be another name of the entry's, or another entry's as well.
      filter: fillFilter(groupFilter, { dn: entry.dn, username: first(entry, LOGINS) ?? username }),
      attributes: ["1.1"],
    });
    return searchEntries.map(({ dn }) => dn);
  }

  async function personOf(client: Client, entry: Entry, username: string): Promise<ExternalPerson> {
    const email = first(entry, ["mail"]);
    // A name alone may be given to somebody else one day.
    const subject = first(entry, LASTING) ?? plainDn(entry.dn);
    return {
      ...{ issuer, subject, email, emailVerified: email !== null },
      name: first(entry, NAMES),
      role: roleGroups
        ? mappedRole((await groupsOf(client, entry, username)).map(plainDn), roleGroups)
        : null,
    };
  }

  /** Whether the entry's password is right; any other answer of the server's than "busy" says that it is not. */
  async function isBound(client: Client, dn: string, password: string): Promise<boolean> {
    try {
      await client.bind(dn, password);
      return true;
    } catch (error) {
      const isAnswer = error instanceof ResultCodeError;
      if (isAnswer && !(error instanceof BusyError || error instanceof UnavailableError)) return false;
      throw error;
    }
  }

  async function ask(client: Client, username: string, password: string, mayTry: MayTry) {
    if (options.bindDn !== undefined) await client.bind(options.bindDn, options.bindPassword);
    const found = await search(client, username);
    // For nobody as much is asked: neither how long it takes nor how often one may try tells who is in the directory.
    const entry = found.length === 1 ? found[0]! : nobody(username);
    const person = await personOf(client, entry, username);
    if (!(await mayTry(person.subject))) return refused("held");
    // Last on this connection, which from here on has the person's rights.
    const isRight = await isBound(client, entry.dn, password);
    if (found.length !== 1) return refused(found.length === 0 ? "unknown" : "ambiguous");
    return isRight ? { ok: true as const, person } : refused("wrong_password");
  }

  return {
    issuer,
    async authenticate(username, password, mayTry): Promise<DirectoryReply> {
      // A bind with a name and no password succeeds as nobody (RFC 4513, section 5.1.2).
      if (username === "" || password === "") return refused("wrong_password");
      const client = new Client({ url, timeout: timeoutMs, connectTimeout: timeoutMs });
      try {
        return await ask(client, username, password, mayTry);
      } catch (error) {
        return unavailable(error);
      } finally {
        await client.unbind().catch(() => undefined);
      }
    },
  };
}

type MayTry = (subject: string) => Promise<boolean>;

const refused = (reason: "unknown" | "ambiguous" | "held" | "wrong_password"): DirectoryReply => ({
  ok: false,
  reason,
});

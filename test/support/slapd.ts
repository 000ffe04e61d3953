import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Attribute, Change, Client, Control } from "ldapts";
import { freePort } from "../../local/free-port.ts";
import { isInstalled, Program } from "./programs.ts";

// Debian keeps it where only root's PATH leads.
process.env["PATH"] = `${process.env["PATH"]}:/usr/sbin:/usr/lib/openldap`;

/** openssl makes the certificate. */
export const hasSlapd = isInstalled("slapd", "openssl");

export const BASE = "dc=example,dc=org";
const ROOT = { dn: `cn=admin,${BASE}`, password: "root-secret" };
/** Where entries have the identity that Active Directory gives them, and no other. */
export const WINDOWS = `ou=windows,${BASE}`;
/** Who may search, and nothing else. */
export const READER = { dn: `cn=reader,${BASE}`, password: "reader-secret" };

/** A real OpenLDAP server with an empty `ou=people` and `ou=groups`, by LDAP and LDAPS. */
export interface Slapd {
  url: string;
  secureUrl: string;
  /** The certificate it shows, which is its own authority. */
  caFile: string;
  ports: number[];
  /** Adds `uid=<name>` below `ou=people`; returns its DN. */
  addPerson(uid: string, mail: string, password: string): Promise<string>;
  /** Adds `uid=<name>` below `WINDOWS` with an identity of 16 bytes; returns its DN. */
  addWindowsPerson(uid: string, guid: Buffer, password: string): Promise<string>;
  rename(dn: string, name: string): Promise<void>;
  remove(dn: string): Promise<void>;
  /** Adds an entry that says to ask elsewhere. */
  addReferral(name: string, url: string): Promise<void>;
  addGroup(name: string, members: string[]): Promise<string>;
  leaveGroup(group: string, member: string): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  stop(): Promise<void>;
}

function certificate(folder: string): { key: string; cert: string } {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert];
  const { status, stderr } = spawnSync("openssl", [...args, ...subject], { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl: ${stderr}`);
  return { key, cert };
}

const configuration = (data: string, tls: { key: string; cert: string }) => `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'windowsPerson' SUP top AUXILIARY MAY objectGUID )
TLSCertificateFile ${tls.cert}
TLSCertificateKeyFile ${tls.key}
TLSCACertificateFile ${tls.cert}
database mdb
suffix "${BASE}"
rootdn "${ROOT.dn}"
rootpw ${ROOT.password}
directory ${data}
maxsize 33554432
overlay memberof
access to dn.subtree="${WINDOWS}" attrs=entryUUID by * none
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${READER.dn}" read by anonymous auth by * none
`;

async function asRoot<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ url, timeout: 5000, connectTimeout: 5000 });
  try {
    await client.bind(ROOT.dn, ROOT.password);
    return await work(client);
  } finally {
    await client.unbind();
  }
}

async function plant(client: Client): Promise<void> {
  await client.add(BASE, { objectClass: ["dcObject", "organization"], dc: "example", o: "Example" });
  for (const ou of ["people", "groups", "windows"])
    await client.add(`ou=${ou},${BASE}`, { objectClass: "organizationalUnit", ou });
  await client.add(READER.dn, {
    ...{ objectClass: ["organizationalRole", "simpleSecurityObject"], cn: "reader" },
    userPassword: READER.password,
  });
}

/** A name as it may stand in a DN (RFC 4514). */
export const inDn = (name: string): string => name.replace(/[,+"\\<>;=]|^[# ]| $/g, "\\$&");

const entryOf = (uid: string, more: Record<string, string | Buffer>) => ({
  ...{ uid, cn: `${uid} Example`, sn: "Example", displayName: `Dr. ${uid}`, ...more },
});

export async function startSlapd(): Promise<Slapd> {
  const folder = mkdtempSync(join(tmpdir(), "myelin-slapd-"));
  // The platform's own user has to read the certificate.
  chmodSync(folder, 0o755);
  const data = join(folder, "data");
  mkdirSync(data);
  const tls = certificate(folder);
  const file = join(folder, "slapd.conf");
  writeFileSync(file, configuration(data, tls));
  const ports = [await freePort(), await freePort()];
  const [url, secureUrl] = [`ldap://127.0.0.1:${ports[0]}`, `ldaps://localhost:${ports[1]}`];
  const start = async () => {
    const program = new Program("slapd", [
      "-d",
      "0",
      "-f",
      file,
      "-h",
      `${url}/ ldaps://127.0.0.1:${ports[1]}/`,
    ]);
    await program.serves(() => asRoot(url, async () => undefined));
    return program;
  };
  let program = await start();
  await asRoot(url, plant);
  return {
    ...{ url, secureUrl, caFile: tls.cert, ports },
    async addPerson(uid, mail, password) {
      const dn = `uid=${inDn(uid)},ou=people,${BASE}`;
      const entry = { objectClass: "inetOrgPerson", ...entryOf(uid, { mail, userPassword: password }) };
      await asRoot(url, (client) => client.add(dn, entry));
      return dn;
    },
    async addWindowsPerson(uid, guid, password) {
      const dn = `uid=${inDn(uid)},${WINDOWS}`;
      const own = { mail: `${uid}@example.com`, userPassword: password, objectGUID: guid };
      const entry = { objectClass: ["inetOrgPerson", "windowsPerson"], ...entryOf(uid, own) };
      await asRoot(url, (client) => client.add(dn, entry));
      return dn;
    },
    rename: (dn, name) => asRoot(url, (client) => client.modifyDN(dn, `uid=${inDn(name)}`)),
    remove: (dn) => asRoot(url, (client) => client.del(dn)),
    async addReferral(name, ref) {
      const entry = { objectClass: ["referral", "extensibleObject"], cn: name, ref };
      // ManageDsaIT (RFC 3296): it is the entry itself that is meant.
      const control = new Control("2.16.840.1.113730.3.4.2", { critical: true });
      await asRoot(url, (client) => client.add(`cn=${name},ou=people,${BASE}`, entry, control));
    },
    async addGroup(name, members) {
      const dn = `cn=${inDn(name)},ou=groups,${BASE}`;
      await asRoot(url, (client) =>
        client.add(dn, { objectClass: "groupOfNames", cn: name, member: members }),
      );
      return dn;
    },
    async leaveGroup(group, member) {
      const modification = new Attribute({ type: "member", values: [member] });
      await asRoot(url, (client) => client.modify(group, new Change({ operation: "delete", modification })));
    },
    pause: () => program.stop(),
    async resume() {
      program = await start();
    },
    async stop() {
      await program.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

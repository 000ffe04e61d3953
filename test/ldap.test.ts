import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Platform } from "../local/platform.ts";
import { roleGroups } from "../src/identity-config.ts";
import { createLdapDirectory, type LdapOptions } from "../src/adapters/ldap.ts";
import { type Answer, anonymous, Client, query } from "./support/client.ts";
import { type CountedLine, startCountedLine } from "./support/counted-line.ts";
import { expectStatus } from "./support/refusal.ts";
import { BASE, hasSlapd, inDn, READER, type Slapd, startSlapd } from "./support/slapd.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-ldap-"));

let slapd: Slapd;
/** Between the platform and its directory. */
let line: CountedLine;
let platform: Platform;

/** The platform reads which authorities to trust when its code is loaded. */
async function startTrusting(caFile: string, env: Record<string, string>): Promise<Platform> {
  process.env["NODE_EXTRA_CA_CERTS"] = caFile;
  const { startOwnPlatform } = await import("./support/own-platform.ts");
  delete process.env["NODE_EXTRA_CA_CERTS"];
  return startOwnPlatform({ dataDir: join(folder, "data"), env });
}

beforeAll(async () => {
  if (!hasSlapd) return;
  slapd = await startSlapd();
  line = await startCountedLine(slapd.ports[1]!);
  const roles = { [`CN=Ops, OU=groups, ${BASE}`]: "admin", [`cn=guests,ou=groups,${BASE}`]: "viewer" };
  platform = await startTrusting(slapd.caFile, {
    ...{ LOG_LEVEL: "warn", REGISTRATION: "approve" },
    ...{ RATE_LIMIT_LOGIN: "0", RATE_LIMIT_REGISTER: "0", RATE_LIMIT_API: "0" },
    ...{ LDAP_URL: `ldaps://localhost:${line.port}`, LDAP_BASE_DN: BASE, LDAP_TIMEOUT_MS: "2000" },
    ...{ LDAP_BIND_DN: READER.dn, LDAP_BIND_PASSWORD: READER.password },
    LDAP_ROLE_GROUPS: JSON.stringify(roles),
  });
}, 120_000);
afterAll(async () => {
  await Promise.all([platform?.stop(), line?.stop(), slapd?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const sql = (text: string, parameters: unknown[] = []) => query(text, parameters, platform.databaseUrl);
const login = (email: string, password: string): Promise<Answer> =>
  anonymous(platform.url).post("/api/auth/login", { email, password });

interface DirectoryPerson {
  uid: string;
  mail: string;
  password: string;
  dn: string;
}

async function person(mail?: string): Promise<DirectoryPerson> {
  const uid = `p${randomUUID().slice(0, 8)}`;
  const given = { uid, mail: mail ?? `${uid}@example.com`, password: `pass-${randomUUID()}` };
  return { ...given, dn: await slapd.addPerson(uid, given.mail, given.password) };
}

/** An account with a password here. */
async function local(): Promise<{ email: string; password: string }> {
  const account = { email: `${randomUUID()}@example.com`, password: `pass-${randomUUID()}` };
  expectStatus(
    await anonymous(platform.url).post("/api/auth/register", { ...account, name: "L" }),
    "register",
    201,
  );
  await sql("update users set email_verified_at = now(), approved_at = now() where email = $1", [
    account.email,
  ]);
  return account;
}

const INVALID = [401, "INVALID_CREDENTIALS"];
const refusalOf = ({ status, body }: Answer) => [status, body.code];

describe.skipIf(!hasSlapd)("signing in with the directory's password (slapd, over LDAPS)", () => {
  it("opens an account at once, and finds it again by uid or mail", async () => {
    const { uid, mail, password } = await person();
    const first = await login(mail, password);
    expectStatus(first, "first", 200);
    expect(first.body.user).toMatchObject({
      email: mail,
      email_verified: true,
      name: `Dr. ${uid}`,
      role: "user",
    });
    const again = await login(` ${uid.toUpperCase()} `, password);
    expect(again.body.user.id).toBe(first.body.user.id);
    const client = new Client(platform.url, { authorization: `Bearer ${again.body.access_token}` });
    expect((await client.get("/api/auth/sessions")).body[0].methods).toEqual(["ldap"]);
    expect((await client.get("/api/auth/identities")).body).toMatchObject([
      {
        provider: "ldap",
        issuer: `ldaps://localhost:${line.port}/${BASE}`,
        subject: expect.stringMatching(/^[\da-f-]{36}$/),
      },
    ]);
  });

  it("gives one person who comes in five times at once one account", async () => {
    const { mail, password } = await person();
    const answers = await Promise.all(Array.from({ length: 5 }, () => login(mail, password)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(new Set(answers.map(({ body }) => body.user.id)).size).toBe(1);
  });

  it("also by the shapes of other systems", async () => {
    const { uid, password } = await person();
    const answer = await anonymous(platform.url).post("/api/v1/auth/login", { username: uid, password });
    expectStatus(answer, "username", 200);
  });

  it("is still asked for the second factor", async () => {
    const { mail, password } = await person();
    const { id } = (await login(mail, password)).body.user;
    await sql("insert into totp_secrets (user_id, sealed_secret, enabled_at) values ($1, 'x', now())", [id]);
    const { body } = await login(mail, password);
    expect([body.requires_mfa, body.access_token]).toEqual([true, undefined]);
  });

  it("wrong password", async () => {
    const { mail, uid } = await person();
    for (const name of [mail, uid]) expect(refusalOf(await login(name, "wrong"))).toEqual(INVALID);
    expect(refusalOf(await login("nobody@example.com", "wrong"))).toEqual(INVALID);
  });

  it("empty password (unauthenticated bind)", async () => {
    const { mail, uid } = await person();
    for (const name of [mail, uid]) expectStatus(await login(name, ""), "empty", 422);
  });

  it.each(["*", "*)(uid=*", "*)(objectClass=*))(|(uid=*", "\\2a", "a\0", "p*"])(
    "filter injection: the name %j finds nobody",
    async (name) => {
      const { password } = await person();
      const { status } = await login(name, password);
      expect([401, 422]).toContain(status);
    },
  );

  it("two hits are refused, whoever's the password is", async () => {
    const mail = `${randomUUID()}@example.com`;
    for (const { password } of [await person(mail), await person(mail)])
      expect(refusalOf(await login(mail, password))).toEqual(INVALID);
  });

  it("a suspended account stays out", async () => {
    const { mail, password } = await person();
    await login(mail, password);
    await sql("update users set suspended_at = now() where email = $1", [mail]);
    expect(refusalOf(await login(mail, password))).toEqual([403, "ACCOUNT_SUSPENDED"]);
  });

  it.each(["jürgen ß", "o'neil, (x)*\\ #1", "Ада", "a+b=c;d<e>"])("a name like %j", async (name) => {
    const uid = `${name} ${randomUUID().slice(0, 6)}`;
    const [mail, password] = [`${randomUUID()}@example.com`, `päss-${randomUUID()}`];
    await slapd.addPerson(uid, mail, password);
    expectStatus(await login(uid, password), "right", 200);
    expect(refusalOf(await login(uid, `${password}x`))).toEqual(INVALID);
  });

  it("a referral among the people, which is never followed", async () => {
    const { uid, mail, password } = await person();
    let asked = 0;
    const elsewhere = createServer(() => asked++).listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const { port } = elsewhere.address() as AddressInfo;
    await slapd.addReferral("elsewhere", `ldap://127.0.0.1:${port}/ou=people,${BASE}??sub`);
    try {
      for (const name of [uid, mail]) expectStatus(await login(name, password), "here", 200);
      expect(refusalOf(await login("nobody", password))).toEqual(INVALID);
      expect(asked).toBe(0);
    } finally {
      elsewhere.close();
    }
  });

  it("guessing is counted by the entry, whatever spelling of its name is typed", async () => {
    // Full-width letters are the same letters to a directory (RFC 4518).
    const wide = (char: string) => String.fromCodePoint(char.codePointAt(0)! + 0xfee0);
    const spelling = (uid: string, bits: number) =>
      [...uid].map((char, at) => (bits & (1 << at) ? wide(char) : char)).join("");
    const [known, guessed] = [await person(), await person()];
    expectStatus(await login(spelling(known.uid, 511), known.password), "another spelling", 200);
    const codes = [];
    for (let bits = 0; bits < 14; bits++)
      codes.push((await login(spelling(guessed.uid, bits), "wrong")).body.code);
    expect(codes.filter((code) => code === "INVALID_CREDENTIALS")).toHaveLength(10);
    expect(codes.filter((code) => code === "TOO_MANY_ATTEMPTS")).toHaveLength(4);
    expect((await login(guessed.mail, guessed.password)).body.code).toBe("TOO_MANY_ATTEMPTS");
    // Nor do spellings tell that there is such an entry (user enumeration).
    const nobody = `n${randomUUID().slice(0, 8)}`;
    const others = [];
    for (let bits = 0; bits < 14; bits++)
      others.push((await login(spelling(nobody, bits), "wrong")).body.code);
    expect(others).toEqual(codes);
  });
});

describe.skipIf(!hasSlapd)("roles by group", () => {
  it("are those of the groups at each sign-in", async () => {
    const [operator, guest] = [await person(), await person()];
    const ops = await slapd.addGroup("ops", [operator.dn, guest.dn]);
    await slapd.addGroup("guests", [guest.dn]);
    const role = async ({ mail, password }: DirectoryPerson) => (await login(mail, password)).body.user.role;
    expect([await role(operator), await role(guest)]).toEqual(["admin", "admin"]);
    await slapd.leaveGroup(ops, guest.dn);
    expect([await role(operator), await role(guest)]).toEqual(["admin", "viewer"]);
  });
});

describe.skipIf(!hasSlapd)("an account with a password here", () => {
  it("is never entered by the directory's, under whatever name", async () => {
    const mine = await local();
    const theirs = await person(mine.email);
    expect(refusalOf(await login(mine.email, theirs.password))).toEqual(INVALID);
    expect(refusalOf(await login(theirs.uid, theirs.password))).toEqual([409, "ACCOUNT_EXISTS"]);
    expectStatus(await login(mine.email, mine.password), "its own", 200);
  });

  it("not even one the directory made, once it has got a password", async () => {
    const { mail, uid, password } = await person();
    await login(mail, password);
    const { email } = await local();
    await sql(
      "update users set password_hash = (select password_hash from users where email = $1) where email = $2",
      [email, mail],
    );
    for (const name of [mail, uid]) expect(refusalOf(await login(name, password))).toEqual(INVALID);
  });

  it("works on while the directory is down, which directory people are told", async () => {
    const [mine, theirs] = [await local(), await person()];
    await login(theirs.mail, theirs.password);
    await slapd.pause();
    try {
      expectStatus(await login(mine.email, mine.password), "ours", 200);
      // What it answers for the others would otherwise tell who has a password here.
      for (const name of [mine.email, `${randomUUID()}@example.com`])
        expect(refusalOf(await login(name, "wrong"))).toEqual([503, "DIRECTORY_UNAVAILABLE"]);
      const answer = await login(theirs.mail, theirs.password);
      expect(refusalOf(answer)).toEqual([503, "DIRECTORY_UNAVAILABLE"]);
      expect(answer.headers.get("retry-after")).toBe("30");
    } finally {
      await slapd.resume();
    }
    expectStatus(await login(theirs.mail, theirs.password), "afterwards", 200);
  });
});

describe.skipIf(!hasSlapd)("a directory that is not who it says", () => {
  it("gets no password: its certificate is another host's", async () => {
    const other = await startCountedLine(slapd.ports[1]!, "127.0.0.2");
    const env = { LDAP_URL: `ldaps://127.0.0.2:${other.port}`, LDAP_BASE_DN: BASE, LOG_LEVEL: "error" };
    const { startOwnPlatform } = await import("./support/own-platform.ts");
    const misled = await startOwnPlatform({ dataDir: join(folder, "misled"), env });
    try {
      const { mail, password } = await person();
      const answer = await anonymous(misled.url).post("/api/auth/login", { email: mail, password });
      expect(refusalOf(answer)).toEqual([503, "DIRECTORY_UNAVAILABLE"]);
      expect(other.sent).toBeGreaterThan(0);
    } finally {
      await Promise.all([misled.stop(), other.stop()]);
    }
  });
});

describe.skipIf(!hasSlapd)("what is left behind", () => {
  it("is no connection", async () => {
    const hex = slapd.ports.map((port) => port.toString(16).toUpperCase().padStart(4, "0"));
    const open = () =>
      readFileSync("/proc/net/tcp", "utf8")
        .split("\n")
        .filter((line) => hex.some((port) => new RegExp(`^ *\\d+: \\w+:${port} \\w+:\\w+ 01 `).test(line)))
        .length;
    await expect.poll(open, { timeout: 5_000 }).toBe(0);
  });

  it("is no password in the log, the trail or the tables", async () => {
    const { mail, password } = await person();
    await login(mail, password);
    await login(mail, `not-${password}`);
    const log = readFileSync(join(folder, "data", "logs", "worker.log"), "utf8");
    for (const secret of [password, READER.password]) {
      expect(log).not.toContain(secret);
      for (const table of ["audit_events", "users", "identities", "lockouts", "one_time_tokens"])
        expect(await sql(`select 1 from ${table} t where t::text like '%' || $1 || '%'`, [secret])).toEqual(
          [],
        );
    }
  });
});

describe.skipIf(!hasSlapd)("the adapter alone, over plain LDAP on loopback", () => {
  const always = async () => true;
  const directory = (more: Partial<LdapOptions> = {}) =>
    createLdapDirectory({
      ...{ url: slapd.url, baseDn: BASE, bindDn: READER.dn, bindPassword: READER.password },
      ...{ userFilter: "(|(mail={username})(uid={username}))", groupAttribute: "memberOf", timeoutMs: 2000 },
      ...more,
    });

  it("says who it is, and why not", async () => {
    const { uid, mail, password } = await person();
    const ask = (name: string, secret: string, mayTry = always) =>
      directory().authenticate(name, secret, mayTry);
    expect(await ask(uid, password)).toMatchObject({
      ok: true,
      person: { email: mail, emailVerified: true, role: null },
    });
    expect(await ask(uid, "wrong")).toEqual({ ok: false, reason: "wrong_password" });
    expect(await ask("nobody", password)).toEqual({ ok: false, reason: "unknown" });
    expect(await ask(uid, password, async () => false)).toEqual({ ok: false, reason: "held" });
    expect(
      await directory({ userFilter: "(|(uid={username})(cn=*))" }).authenticate(uid, password, always),
    ).toEqual({
      ok: false,
      reason: "ambiguous",
    });
  });

  it("finds groups that members do not know of", async () => {
    const { uid, dn, password } = await person();
    const group = await slapd.addGroup(`g${uid}`, [dn]);
    const reply = await directory({
      groupFilter: "(&(objectClass=groupOfNames)(member={dn}))",
      roleGroups: new Map([[group, "admin"]]),
    }).authenticate(uid, password, always);
    expect(reply).toMatchObject({ ok: true, person: { role: "admin" } });
  });

  it.each(["Ops, EU", "Größe", 'a+b="c"', "#1", "two  spaces"])(
    "knows the group %j in whatever spelling of its name",
    async (name) => {
      const { uid, dn, password } = await person();
      await slapd.addGroup(`${name}${uid}`, [dn]);
      const hex = [...Buffer.from(name)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
      for (const spelling of [inDn(name), hex]) {
        const groups = roleGroups.parse(
          JSON.stringify({ [`CN = ${spelling}${uid}, OU=groups , ${BASE}`]: "admin" }),
        );
        for (const more of [{}, { groupFilter: "(&(objectClass=groupOfNames)(member={dn}))" }])
          expect(
            await directory({ roleGroups: groups, ...more }).authenticate(uid, password, always),
            spelling,
          ).toMatchObject({ person: { role: "admin" } });
      }
    },
  );

  it("finds groups by what the entry is called, whatever was typed", async () => {
    const { uid, mail, password } = await person();
    const group = await slapd.addGroup(`of-${uid}`, [READER.dn]);
    const asked = directory({
      groupFilter: "(&(objectClass=groupOfNames)(cn=of-{username}))",
      roleGroups: new Map([[group, "admin"]]),
    });
    for (const name of [uid, mail])
      expect(await asked.authenticate(name, password, always)).toMatchObject({ person: { role: "admin" } });
  });

  it("does not take one group for another with almost its name", async () => {
    const { uid, dn, password } = await person();
    await slapd.addGroup(`Ops,${uid}`, [dn]);
    const groups = roleGroups.parse(JSON.stringify({ [`cn=Ops\\, ${uid},ou=groups,${BASE}`]: "admin" }));
    const reply = await directory({ roleGroups: groups }).authenticate(uid, password, always);
    expect(reply).toMatchObject({ person: { role: "user" } });
  });

  it("reads attributes by name in whatever case", async () => {
    const { uid, dn, password } = await person();
    const group = await slapd.addGroup(`g${uid}`, [dn]);
    const reply = await directory({
      groupAttribute: "MEMBEROF",
      roleGroups: new Map([[group, "admin"]]),
    }).authenticate(uid, password, always);
    expect(reply).toMatchObject({ ok: true, person: { role: "admin" } });
  });

  it("knows people by what their directory calls them for ever, not by a name another may get", async () => {
    const uid = `w${randomUUID().slice(0, 8)}`;
    const [first, second] = [
      Buffer.from(randomUUID().slice(0, 16)),
      Buffer.from([0xff, ...Array(15).keys()]),
    ];
    const subjectOf = async (name: string) => {
      const reply = await directory().authenticate(name, "right", always);
      return reply.ok ? reply.person.subject : reply.reason;
    };
    const dn = await slapd.addWindowsPerson(uid, first, "right");
    expect(await subjectOf(uid)).toBe(first.toString("hex"));
    await slapd.rename(dn, `${uid}-married`);
    expect(await subjectOf(`${uid}-married`)).toBe(first.toString("hex"));
    await slapd.addWindowsPerson(uid, second, "right");
    expect(await subjectOf(uid)).toBe(second.toString("hex"));
  });

  it("asks as much for a name that nobody has, or two have, as for one with a wrong password", async () => {
    const plain = await startCountedLine(slapd.ports[0]!);
    const mail = `${randomUUID()}@example.com`;
    const [{ uid }] = [await person(mail), await person(mail)];
    const counts = [];
    for (const groupFilter of [undefined, "(member={dn})"]) {
      const asked = directory({
        ...{ url: `ldap://127.0.0.1:${plain.port}`, groupFilter, roleGroups: new Map() },
      });
      for (const name of [uid, mail, "nobody"]) {
        const before = plain.sent;
        expect(await asked.authenticate(name, "wrong", always)).toMatchObject({ ok: false });
        // The goodbye is not waited for.
        await new Promise((resolve) => setTimeout(resolve, 50));
        counts.push(plain.sent - before);
      }
    }
    await plain.stop();
    expect(counts).toEqual([4, 4, 4, 5, 5, 5]);
  });

  it("sends nothing to a server whose certificate nobody it trusts has signed", async () => {
    const { uid, password } = await person();
    const reply = await directory({ url: slapd.secureUrl }).authenticate(uid, password, always);
    expect(reply).toMatchObject({ ok: false, reason: "unavailable" });
  });

  it("takes its own account's wrong password for an outage, not for the person's", async () => {
    const { uid, password } = await person();
    const reply = await directory({ bindPassword: "wrong" }).authenticate(uid, password, always);
    expect(reply).toMatchObject({ ok: false, reason: "unavailable" });
  });
});

describe("a directory that is not there", () => {
  const directoryAt = (port: number) =>
    createLdapDirectory({
      ...{ url: `ldap://127.0.0.1:${port}`, baseDn: BASE, bindDn: "cn=x", bindPassword: "hush-hush" },
      ...{ userFilter: "(uid={username})", groupAttribute: "memberOf", timeoutMs: 300 },
    });

  it("is never sent an empty password or name, nor anything after it fell silent", async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.resume())).listen(0, "127.0.0.1");
    await once(server, "listening");
    const directory = directoryAt((server.address() as AddressInfo).port);
    for (const [name, password] of [
      ["ada", ""],
      ["", "x"],
    ] as const)
      expect(await directory.authenticate(name, password, async () => true)).toMatchObject({
        reason: "wrong_password",
      });
    expect(sockets).toEqual([]);
    const reply = await directory.authenticate("ada", "x", async () => true);
    expect(reply).toMatchObject({
      ok: false,
      reason: "unavailable",
      detail: expect.not.stringContaining("hush"),
    });
    await expect
      .poll(() => sockets.map((socket) => socket.destroyed || socket.readableEnded))
      .toEqual([true]);
    server.close();
    expect(await directory.authenticate("ada", "x", async () => true)).toMatchObject({
      reason: "unavailable",
    });
  });
});

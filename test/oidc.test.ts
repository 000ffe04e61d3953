import { createHash, createHmac, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { type Browser as ChromeBrowser, chromium } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { freePort } from "../local/free-port.ts";
import type { Platform } from "../local/platform.ts";
import { createOidcProvider, type OidcOptions } from "../src/adapters/oidc.ts";
import type { IdentityProvider } from "../src/kernel/ports/identity-provider.ts";
import { Browser } from "./support/browser.ts";
import { type Answer, anonymous, Client, query, signIn, type User } from "./support/client.ts";
import { type Person, type RealProvider, startRealProvider } from "./support/identity-provider.ts";
import { mailTo } from "./support/mailbox.ts";
import { startOwnPlatform } from "./support/own-platform.ts";
import { expectStatus } from "./support/refusal.ts";
import { type Asked, type Claims, type RogueProvider, startRogueProvider } from "./support/rogue-provider.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-oidc-"));
const CHROMIUM = "/usr/bin/chromium";
const SECRET = `secret-${randomUUID()}`;

let base: string;
let platform: Platform;
let company: RealProvider;
let elsewhere: RealProvider;
let rogue: RogueProvider;
let admin: User;

const callbackOf = (name: string) => `${base}/api/auth/oidc/${name}/callback`;
const clientOf = (name: string) => ({
  ...{ client_id: name, client_secret: SECRET, redirect_uris: [callbackOf(name)] },
});

beforeAll(async () => {
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  company = await startRealProvider([clientOf("company")]);
  elsewhere = await startRealProvider([clientOf("elsewhere"), clientOf("members")]);
  rogue = await startRogueProvider("rogue");
  const by = { client_secret: SECRET };
  const providers = [
    {
      ...{ name: "company", issuer: company.issuer, client_id: "company", label: "The company", ...by },
      ...{ link_verified_email: true, role_claim: "groups", roles: { ops: "admin", guests: "viewer" } },
    },
    { name: "elsewhere", issuer: elsewhere.issuer, client_id: "elsewhere", ...by },
    { name: "members", issuer: elsewhere.issuer, client_id: "members", ...by, allow_signup: false },
    { name: "rogue", issuer: rogue.issuer, client_id: "rogue", link_verified_email: true },
    { name: "gone", issuer: `http://127.0.0.1:${await freePort()}`, client_id: "gone" },
  ];
  platform = await startOwnPlatform({
    ...{ dataDir: join(folder, "data"), port },
    env: {
      ...{ LOG_LEVEL: "warn", PUBLIC_URL: base, REGISTRATION: "approve" },
      ...{ RATE_LIMIT_LOGIN: "0", RATE_LIMIT_REGISTER: "0", RATE_LIMIT_REFRESH: "0", RATE_LIMIT_API: "0" },
      ALLOWED_ORIGINS: "https://dashboard.example",
      OIDC_PROVIDERS: JSON.stringify(providers),
    },
  });
  admin = await signIn("admin@myelin.local", platform.adminPassword(), base);
}, 120_000);
beforeEach(() => rogue.reset());
afterAll(async () => {
  await Promise.all([platform?.stop(), company?.stop(), elsewhere?.stop(), rogue?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const sql = (text: string, parameters: unknown[]) => query(text, parameters, platform.databaseUrl);
const approve = (email: string) =>
  sql(
    "update users set approved_at = now(), email_verified_at = coalesce(email_verified_at, now()) where email = $1",
    [email],
  );

/** Does `work` while a statement has been made by somebody else and is not committed until a moment later. */
async function whileHeld<T>(statement: string, parameters: unknown[], work: () => Promise<T>): Promise<T> {
  const client = new pg.Client(platform.databaseUrl);
  await client.connect();
  try {
    await client.query("begin");
    await client.query(statement, parameters);
    const working = work();
    await Promise.race([working, new Promise((resolve) => setTimeout(resolve, 500))]);
    await client.query("commit");
    return await working;
  } finally {
    await client.end();
  }
}

const someone = (more: Partial<Person> = {}): Person => ({
  ...{ sub: randomUUID(), email: `${randomUUID()}@example.com`, email_verified: true, name: "Ada" },
  ...more,
});

const isLanded = (url: string) => new URL(url).hash !== "";
const loginUrl = (name: string, extra = "") => `${base}/api/auth/oidc/${name}/login${extra}`;

/** What a page finds in its address after a sign-in. */
interface Landed {
  url: string;
  code: string | null;
  error: string | null;
  browser: Browser;
}

async function land(browser: Browser, from: string): Promise<Landed> {
  const url = await browser.follow(from, isLanded);
  const found = new URLSearchParams(new URL(url).hash.slice(1));
  return { url, code: found.get("oidc_code"), error: found.get("oidc_error"), browser };
}

/** Signs a person in as far as the page that has the code. */
function arrive(
  provider: RealProvider,
  person: Person | undefined,
  name = "company",
  extra = "",
): Promise<Landed> {
  provider.next = person;
  return land(new Browser(), loginUrl(name, extra));
}

async function exchange({ browser, code }: Landed, more: Record<string, unknown> = {}): Promise<Answer> {
  const response = await browser.request(`${base}/api/auth/oidc/exchange`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code, ...more }),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** Signs a person in who has been let in by an administrator. */
async function enter(provider: RealProvider, person: Person, name = "company"): Promise<Answer> {
  const first = await arrive(provider, person, name);
  if (first.code) return exchange(first);
  expect(first.error).toBe("AWAITING_APPROVAL");
  await approve(person.email!);
  return exchange(await arrive(provider, person, name));
}

const clientFor = ({ body }: Answer) => new Client(base, { authorization: `Bearer ${body.access_token}` });

/** Somebody with a password here, whose address is verified. */
async function localUser(email = `${randomUUID()}@example.com`): Promise<User> {
  const password = `pass-${randomUUID()}`;
  expectStatus(
    await anonymous(base).post("/api/auth/register", { email, name: "L", password }),
    "register",
    201,
  );
  await approve(email);
  return signIn(email, password, base);
}

/** Stops where the browser comes back from the provider: the callback's address, unopened. */
async function comeBack(browser: Browser, name: string): Promise<string> {
  return browser.follow(loginUrl(name), (url) => url.startsWith(callbackOf(name)));
}

describe("signing in through a provider", () => {
  it("lists the providers for anybody", async () => {
    const { status, body } = await anonymous(base).get("/api/auth/oidc");
    expect(status).toBe(200);
    expect(body[0]).toEqual({ name: "company", label: "The company", login_url: loginUrl("company") });
    expect(body.map(({ name }: any) => name)).toEqual(["company", "elsewhere", "members", "rogue", "gone"]);
  });

  it("opens an account that an administrator lets in, and finds it again by issuer and subject", async () => {
    const person = someone();
    const first = await arrive(company, person);
    expect([first.code, first.error]).toEqual([null, "AWAITING_APPROVAL"]);
    expect((await mailTo(admin, "admin@myelin.local", "approval-request")).text).toContain(person.email);
    await approve(person.email!);
    const answer = await exchange(await arrive(company, person));
    expectStatus(answer, "exchange", 200);
    expect(answer.body).toMatchObject({
      requires_mfa: false,
      user: { email: person.email, email_verified: true },
    });
    const moved = { ...person, email: `${randomUUID()}@example.com` };
    expect((await exchange(await arrive(company, moved))).body.user.id).toBe(answer.body.user.id);
    const [session] = (await clientFor(answer).get("/api/auth/sessions")).body;
    expect(session.methods).toEqual(["oidc:company"]);
  });

  it("asks whoever has an unverified address to verify it", async () => {
    const person = someone({ email_verified: false });
    expect((await arrive(company, person)).error).toBe("EMAIL_NOT_VERIFIED");
    await mailTo(admin, person.email!, "verify-email");
  });

  it("takes a name that no table can hold for none, and never half a character of a long one", async () => {
    const nameFrom = async (name: string) =>
      (await exchange(await arrive(company, someone({ name, groups: ["ops"] })))).body.user.name;
    expect(await nameFrom("A\0da")).toMatch(/^[\da-f-]{36}$/);
    expect(await nameFrom(`a${"🧠".repeat(120)}`)).toBe(`a${"🧠".repeat(99)}`);
  });

  it("takes nobody without an address, and nobody new where sign-up is off", async () => {
    expect((await arrive(company, someone({ email: undefined }))).error).toBe("EMAIL_MISSING");
    expect((await arrive(elsewhere, someone(), "members")).error).toBe("REGISTRATION_CLOSED");
  });

  it("tells the page what the provider refused, or that it is out", async () => {
    expect((await arrive(company, undefined)).error).toBe("PROVIDER_DENIED");
    expect((await land(new Browser(), loginUrl("gone"))).url).toBe(
      `${base}/login#oidc_error=PROVIDER_UNAVAILABLE`,
    );
    expectStatus(await anonymous(base).get("/api/auth/oidc/nobody/login"), "unknown", 404);
  });

  it("does not let a suspended account in", async () => {
    const person = someone();
    await enter(company, person);
    const last = await arrive(company, person);
    await sql("update users set suspended_at = now() where email = $1", [person.email]);
    expect((await exchange(last)).body.code).toBe("ACCOUNT_SUSPENDED");
    expect((await arrive(company, person)).error).toBe("ACCOUNT_SUSPENDED");
  });

  it("still asks for the second factor", async () => {
    const person = someone();
    const { body } = await enter(company, person);
    await sql("insert into totp_secrets (user_id, sealed_secret, enabled_at) values ($1, 'x', now())", [
      body.user.id,
    ]);
    const again = await exchange(await arrive(company, person));
    expect([again.status, again.body.requires_mfa, again.body.mfa_methods]).toEqual([200, true, ["totp"]]);
    expect(again.body).not.toHaveProperty("access_token");
  });

  it("gives one of two who arrive at once as the same person the account of the other", async () => {
    const person = someone({ groups: ["ops"] });
    company.next = person;
    const browsers = [new Browser(), new Browser(), new Browser()];
    const backs = await Promise.all(browsers.map((browser) => comeBack(browser, "company")));
    const all = await Promise.all(backs.map((url, i) => land(browsers[i]!, url)));
    const answers = await Promise.all(all.map((landed) => exchange(landed)));
    expect(new Set(answers.map(({ body }) => body.user?.id)).size).toBe(1);
  });
});

describe("roles by claim", () => {
  const roleAfter = async (person: Person, groups: unknown) =>
    (await exchange(await arrive(company, { ...person, groups: groups as string[] }))).body.user.role;

  it("are given at each sign-in", async () => {
    const person = someone();
    await enter(company, person);
    expect(await roleAfter(person, ["guests"])).toBe("viewer");
    expect(await roleAfter(person, ["guests", "ops"])).toBe("admin");
    expect(await roleAfter(person, ["unheard of"])).toBe("user");
    expect(await roleAfter(person, "ops")).toBe("admin");
  });

  it.each([
    ["is left out, as many providers do for who is in no group", undefined],
    ["is null", null],
    ["is of another shape", { ops: true }],
  ])("fall when the claim %s", async (_, groups) => {
    const person = someone({ groups: ["ops"] });
    expect((await enter(company, person)).body.user.role).toBe("admin");
    await approve(person.email!);
    expect(await roleAfter(person, groups)).toBe("user");
  });

  it("are kept where no claim is configured to say them", async () => {
    const [owner, person] = [await localUser(), someone()];
    await sql(
      "insert into identities (user_id, provider, issuer, subject) values ($1, 'elsewhere', $2, $3)",
      [owner.id, elsewhere.issuer, person.sub],
    );
    await sql("update users set role = 'viewer' where id = $1", [owner.id]);
    const answer = await exchange(await arrive(elsewhere, { ...person, groups: ["ops"] }, "elsewhere"));
    expect(answer.body.user.role).toBe("viewer");
  });

  it("never take the last administrator away, not even of two demoted at once", async () => {
    const people = [someone({ groups: ["ops"] }), someone({ groups: ["ops"] })];
    for (const person of people) await enter(company, person);
    const emails = people.map(({ email }) => email);
    await sql("update users set suspended_at = now() where role = 'admin' and not (email = any($1))", [
      emails,
    ]);
    try {
      // The other demotion is under way and not yet to be seen.
      const landed = await whileHeld("update users set role = 'user' where email = $1", [emails[0]], () =>
        arrive(company, { ...people[1]!, groups: [] }),
      );
      expect(landed.code).not.toBe(null);
      const [row] = await sql("select role from users where email = $1", [emails[1]]);
      expect(row.role).toBe("admin");
    } finally {
      await sql("update users set suspended_at = null where role = 'admin'", []);
    }
  });
});

describe("an address that has an account", () => {
  it("is not taken over by a provider that may not link", async () => {
    const owner = await localUser();
    const landed = await arrive(elsewhere, someone({ email: owner.email }), "elsewhere");
    expect([landed.code, landed.error]).toEqual([null, "ACCOUNT_EXISTS"]);
    expect((await owner.get("/api/auth/identities")).body).toEqual([]);
  });

  it("is linked by its verified form where the configuration says so, and its owner is told", async () => {
    const owner = await localUser();
    const answer = await exchange(await arrive(company, someone({ email: owner.email.toUpperCase() })));
    expect(answer.body.user.id).toBe(owner.id);
    await mailTo(admin, owner.email, "identity-linked");
  });

  it("is not linked by an unverified e-mail, whatever the provider calls true", async () => {
    const owner = await localUser();
    for (const verified of [false, undefined, "true", 1] as boolean[]) {
      const landed = await arrive(company, someone({ email: owner.email, email_verified: verified }));
      expect(landed.error).toBe("ACCOUNT_EXISTS");
    }
  });

  it("is not linked while its identity is being given to another account", async () => {
    const [owner, other, person] = [await localUser(), await localUser(), someone()];
    const landed = await whileHeld(
      "insert into identities (user_id, provider, issuer, subject) values ($1, 'company', $2, $3)",
      [other.id, company.issuer, person.sub],
      () => arrive(company, { ...person, email: owner.email }),
    );
    expect((await exchange(landed)).body.user.id).toBe(other.id);
    expect((await owner.get("/api/auth/identities")).body).toEqual([]);
  });

  it("is not linked to an account that somebody opened with it in advance", async () => {
    const email = `${randomUUID()}@example.com`;
    const password = `pass-${randomUUID()}`;
    await anonymous(base).post("/api/auth/register", { email, name: "Squatter", password });
    expect((await arrive(company, someone({ email }))).error).toBe("ACCOUNT_EXISTS");
  });
});

describe("an address claimed in advance", () => {
  const identitiesOf = (email: string) =>
    sql("select provider from identities i join users u on u.id = i.user_id where u.email = $1", [email]);

  it("through a provider whose word on addresses does not count gets nobody its owner's identity", async () => {
    const email = `${randomUUID()}@example.com`;
    expect((await arrive(elsewhere, someone({ email }), "elsewhere")).error).toBe("EMAIL_NOT_VERIFIED");
    await sql("update users set approved_at = now() where email = $1", [email]);
    expect((await arrive(company, someone({ email }))).error).toBe("ACCOUNT_EXISTS");
    expect(await identitiesOf(email)).toEqual([{ provider: "elsewhere" }]);
  });

  it("through a provider that has not verified it is got back by its owner with a mailed link", async () => {
    const email = `${randomUUID()}@example.com`;
    const squatter = someone({ email, email_verified: false, groups: ["guests"] });
    await arrive(company, squatter);
    await anonymous(base).post("/api/auth/password/forgot", { email });
    const { text } = await mailTo(admin, email, "reset-password");
    const token = /token=([\w-]+)/.exec(text)![1];
    const password = `pass-${randomUUID()}`;
    expectStatus(await anonymous(base).post("/api/auth/password/reset", { token, password }), "reset", 200);
    expect(await identitiesOf(email)).toEqual([]);
    expect((await arrive(company, squatter)).error).toBe("ACCOUNT_EXISTS");
  });
});

describe("attacks on the round trip", () => {
  const rogueBack = async (): Promise<[Browser, string]> => {
    const browser = new Browser();
    return [browser, await comeBack(browser, "rogue")];
  };

  it("state replay: a callback works once", async () => {
    const [browser, url] = await rogueBack();
    const cookies = new Map(browser.cookies(base));
    expect((await land(browser, url)).error).toBe("AWAITING_APPROVAL");
    for (const [name, value] of cookies) browser.cookies(base).set(name, value);
    expect((await land(browser, url)).error).toBe("STATE_INVALID");
  });

  it("state of another browser (planted login): no cookie, no entry, and the state is spent", async () => {
    const [browser, url] = await rogueBack();
    expect((await land(new Browser(), url)).error).toBe("STATE_INVALID");
    expect((await land(browser, url)).error).toBe("STATE_INVALID");
    expect(rogue.redeemed).toEqual([]);
  });

  it("state of another browser with a cookie of its own login", async () => {
    const [victim] = await rogueBack();
    const [, url] = await rogueBack();
    const [[, own]] = [...victim.cookies(base)] as [[string, string]];
    victim.cookies(base).set(`myelin_oidc_${new URL(url).searchParams.get("state")!.slice(0, 8)}`, own);
    expect((await land(victim, url)).error).toBe("STATE_INVALID");
  });

  it("a state that never was, or none", async () => {
    for (const search of ["", "?state=x&code=y", `?state=${"s".repeat(43)}&code=y`, "?error=access_denied"])
      expect((await land(new Browser(), `${callbackOf("rogue")}${search}`)).error).toBe("STATE_INVALID");
  });

  it("mix-up: a code brought to another provider's callback", async () => {
    const [browser, url] = await rogueBack();
    const elsewhereUrl = url.replace(callbackOf("rogue"), callbackOf("company"));
    expect((await land(browser, elsewhereUrl)).error).toBe("STATE_INVALID");
    expect(rogue.redeemed).toEqual([]);
  });

  it.each<[string, (url: URL) => void]>([
    ["mix-up: the answer names another issuer", (url) => url.searchParams.set("iss", company.issuer)],
    [
      "mix-up: the answer names no issuer though the provider always does",
      (url) => url.searchParams.delete("iss"),
    ],
    ["two states", (url) => url.searchParams.append("code", "other")],
    ["no code", (url) => url.searchParams.delete("code")],
  ])("%s", async (_, back) => {
    rogue.back = back;
    const browser = new Browser();
    const url = await comeBack(browser, "rogue");
    const response = await browser.request(url);
    const landed = response.headers.get("location") ?? `${response.status}`;
    expect(landed).toMatch(/#oidc_error=PROVIDER_REJECTED$|^422$/);
    expect(rogue.redeemed).toEqual([]);
  });

  it("sends the PKCE verifier that belongs to the challenge, and never the verifier before", async () => {
    const browser = new Browser();
    const url = await comeBack(browser, "rogue");
    const asked = new URL(
      browser.visited.find((address) => address.startsWith(`${rogue.issuer}/authorize`))!,
    );
    expect(asked.searchParams.get("code_challenge_method")).toBe("S256");
    await land(browser, url);
    const verifier = rogue.redeemed[0]!.get("code_verifier")!;
    expect(createHash("sha256").update(verifier).digest("base64url")).toBe(
      asked.searchParams.get("code_challenge"),
    );
    expect(browser.visited.join("\n")).not.toContain(verifier);
  });

  it("PKCE verifier missing: a stolen code is worth nothing at the real provider", async () => {
    const browser = new Browser();
    company.next = someone();
    const url = new URL(await comeBack(browser, "company"));
    const redeem = (extra: Record<string, string>) =>
      fetch(`${company.issuer}/token`, {
        method: "POST",
        headers: { authorization: `Basic ${btoa(`company:${SECRET}`)}` },
        body: new URLSearchParams({
          ...{ grant_type: "authorization_code", redirect_uri: callbackOf("company"), ...extra },
          code: url.searchParams.get("code")!,
        }),
      });
    expect((await redeem({})).status).toBe(400);
    expect((await redeem({ code_verifier: "a".repeat(43) })).status).toBe(400);
  });
});

describe("an ID token that is not right", () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = () => Math.floor(Date.now() / 1000);
  const changed = (change: Claims | (() => Claims)) => () => {
    rogue.idToken = ({ claims, sign }) =>
      sign({ ...claims, ...(typeof change === "function" ? change() : change) });
  };
  const flaws: Record<string, () => void> = {
    "nonce mismatch": changed({ nonce: "another" }),
    "no nonce": changed({ nonce: undefined }),
    "another issuer's": changed(() => ({ iss: company.issuer })),
    "another client's": changed({ aud: "company" }),
    "for several clients, another being its party": changed({ aud: ["rogue", "company"], azp: "company" }),
    "for several clients, none being its party": changed({ aud: ["rogue", "company"] }),
    "not yet good": changed(() => ({ nbf: now() + 3600 })),
    "with an extension nobody knows": () =>
      void (rogue.idToken = ({ claims, sign }) => sign(claims, { crit: ["b64"], b64: true })),
    expired: changed(() => ({ exp: now() - 3600, iat: now() - 7200 })),
    "without expiry": changed({ exp: undefined }),
    "without subject": changed({ sub: undefined }),
    "signed with a key that nobody published": () =>
      void (rogue.idToken = ({ claims, forge }) => forge(claims)),
    "tampered with": () =>
      void (rogue.idToken = async ({ claims, sign }) => {
        const [head, , signature] = (await sign(claims)).split(".");
        return `${head}.${part({ ...claims, sub: "somebody-else" })}.${signature}`;
      }),
    "alg none": () => void (rogue.idToken = ({ claims }) => `${part({ alg: "none" })}.${part(claims)}.`),
    "alg HS256, the public key as its secret": () =>
      void (rogue.idToken = ({ claims }) =>
        `${part({ alg: "HS256", kid: "1" })}.${part(claims)}.${part("x")}`),
    missing: () => void (rogue.idToken = () => undefined as unknown as string),
  };

  it.each(Object.keys(flaws))("%s", async (flaw) => {
    flaws[flaw]!();
    const landed = await land(new Browser(), loginUrl("rogue"));
    expect([landed.code, landed.error]).toEqual([null, "PROVIDER_REJECTED"]);
  });

  it("and the right one gets in", async () => {
    expect((await land(new Browser(), loginUrl("rogue"))).error).toBe("AWAITING_APPROVAL");
    await approve("rogue@example.com");
    expectStatus(await exchange(await land(new Browser(), loginUrl("rogue"))), "the right one", 200);
  });
});

describe("the adapter alone", () => {
  const trip = () => ({ redirectUri: callbackOf("rogue"), state: randomUUID(), nonce: randomUUID() });
  const providerFor = (more: Partial<OidcOptions> = {}) =>
    createOidcProvider({
      ...{ name: "rogue", label: "Rogue", issuer: rogue.issuer, clientId: "rogue", scopes: "openid" },
      ...{ roles: new Map([["ops", "admin"] as const]), linkVerifiedEmail: true, allowSignup: true },
      ...more,
    });

  /** Goes to the provider and back, and says who that was. */
  async function ask(provider: IdentityProvider) {
    const way = { ...trip(), verifier: "v".repeat(43) };
    const begun = await provider.authorizationUrl(way);
    if (!begun.ok) return begun;
    const { headers } = await fetch(begun.url, { redirect: "manual" });
    return provider.redeem(way, new URL(headers.get("location")!).search);
  }

  it("takes an address and whether it is verified from the same place", async () => {
    rogue.metadata = { userinfo_endpoint: `${rogue.issuer}/userinfo` };
    rogue.idToken = ({ claims, sign }) =>
      sign({ ...claims, email: "victim@example.com", email_verified: undefined });
    rogue.userinfo = { email: "mine@example.com", email_verified: true, groups: ["ops"] };
    expect(await ask(providerFor({ roleClaim: "groups" }))).toMatchObject({
      person: { email: "victim@example.com", emailVerified: false, role: "admin" },
    });
  });

  it.each([
    ["token_endpoint", "token"],
    ["jwks_uri", "jwks"],
    ["userinfo_endpoint", "userinfo"],
  ])("does not follow where the %s redirects to", async (name, path) => {
    rogue.metadata = { [name]: `${rogue.issuer}/moved/${path}` };
    expect(await ask(providerFor({ roleClaim: "groups" }))).toMatchObject({ ok: false });
    expect(rogue.redeemed).toHaveLength(name === "token_endpoint" ? 0 : 1);
  });

  const unsigned = (alg: string, claims: Claims, signature: (text: string) => string) => {
    const text = [{ alg, kid: "1" }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    return `${text}.${signature(text)}`;
  };

  it.each<[string, (claims: Claims) => string]>([
    ["none", (claims) => unsigned("none", claims, () => "")],
    [
      "HS256 with the client's secret",
      (claims) =>
        unsigned("HS256", claims, (text) => createHmac("sha256", SECRET).update(text).digest("base64url")),
    ],
  ])("takes no ID token by %s, although the provider offers it", async (_, idToken) => {
    rogue.metadata = { id_token_signing_alg_values_supported: ["none", "HS256", "RS256"] };
    rogue.idToken = ({ claims }) => idToken(claims);
    expect(await ask(providerFor({ clientSecret: SECRET }))).toMatchObject({ reason: "rejected" });
  });

  it.each<[string, Claims, string]>([
    ["realm_access.roles", { realm_access: { roles: ["ops"] } }, "admin"],
    ["https://id.example/roles", { "https://id.example/roles": "ops" }, "admin"],
    ["realm_access.roles", { realm_access: "ops" }, "user"],
    ["realm_access.roles", { "realm_access.roles": [], realm_access: { roles: ["ops"] } }, "user"],
    ["constructor.name", {}, "user"],
  ])("finds the claim %s in %j", async (roleClaim, more, role) => {
    rogue.idToken = ({ claims, sign }) => sign({ ...claims, ...more });
    const roles = new Map([["ops", "admin"] as const, ["Object", "admin"] as const]);
    expect(await ask(providerFor({ roleClaim, roles }))).toMatchObject({ person: { role } });
  });

  it("reads no answer that would fill the memory", async () => {
    const padding = "x".repeat(2_000_000);
    rogue.metadata = { padding };
    expect(await ask(providerFor()), "metadata").toMatchObject({ ok: false });
    rogue.metadata = { userinfo_endpoint: `${rogue.issuer}/userinfo` };
    rogue.userinfo = { padding };
    expect(await ask(providerFor({ roleClaim: "groups" })), "userinfo").toMatchObject({ ok: false });
    rogue.reset();
    rogue.idToken = ({ claims, sign }) => sign({ ...claims, padding });
    expect(await ask(providerFor()), "tokens").toMatchObject({ ok: false });
  });

  it("takes no userinfo of somebody else", async () => {
    rogue.metadata = { userinfo_endpoint: `${rogue.issuer}/userinfo` };
    rogue.userinfo = { sub: "somebody-else", groups: ["ops"] };
    expect(await ask(providerFor({ roleClaim: "groups" }))).toMatchObject({ reason: "rejected" });
  });

  it("follows the provider to a new key, and trusts the old one no longer", async () => {
    const provider = providerFor();
    let old: Asked["sign"] | undefined;
    rogue.idToken = ({ claims, sign }) => (old = sign)(claims);
    expect(await ask(provider)).toMatchObject({ ok: true });
    const before = old!;
    await rogue.rotate();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
    try {
      expect(await ask(provider), "the new key").toMatchObject({ ok: true });
      rogue.idToken = ({ claims }) => before(claims);
      expect(await ask(provider), "the old key").toMatchObject({ ok: false, reason: "rejected" });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a discovery document that leads astray", () => {
  const plain = "http://169.254.169.254/latest";
  const flaws: Record<string, Claims> = {
    "sends the browser away without TLS": { authorization_endpoint: plain },
    "has codes and secrets sent without TLS": { token_endpoint: plain },
    "has keys fetched without TLS": { jwks_uri: plain },
    "has tokens shown without TLS": { userinfo_endpoint: plain },
    "has no keys": { jwks_uri: undefined },
    "names another issuer": { issuer: "https://id.example" },
  };

  it.each(Object.keys(flaws))("%s", async (flaw) => {
    rogue.metadata = flaws[flaw]!;
    const provider = createOidcProvider({
      ...{ name: "rogue", label: "Rogue", issuer: rogue.issuer, clientId: "rogue", scopes: "openid" },
      ...{ roles: new Map(), linkVerifiedEmail: false, allowSignup: true },
    });
    const trip = { redirectUri: callbackOf("rogue"), state: "s", nonce: "n", verifier: "v".repeat(43) };
    expect(await provider.authorizationUrl(trip)).toMatchObject({ ok: false });
    expect(await provider.redeem(trip, "?code=c&state=s")).toMatchObject({ ok: false });
    expect(rogue.redeemed).toEqual([]);
  });
});

describe("where the browser goes afterwards", () => {
  it.each(["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])(
    "planted return_to %s (open redirect) is refused before anything happens",
    async (target) => {
      const query = new URLSearchParams({ return_to: target });
      expectStatus(await anonymous(base).get(`/api/auth/oidc/company/login?${query}`), target, 422);
    },
  );

  it("is the page that was asked for, and no address on the way holds a token", async () => {
    const person = someone({ groups: ["ops"] });
    const landed = await arrive(company, person, "company", "?return_to=%2Fdocs%3Fa%3D1");
    expect(landed.url.split("#")[0]).toBe(`${base}/docs?a=1`);
    const { body } = await exchange(landed);
    const addresses = [...landed.browser.visited, landed.url].join("\n");
    for (const secret of [body.access_token, body.refresh_token, "access_token", "id_token"])
      expect(addresses).not.toContain(secret);
    expect(addresses).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });

  it("may be an allowed origin's, whose page holds a verifier in place of the cookie", async () => {
    const person = someone({ groups: ["ops"] });
    const page = "https://dashboard.example/in";
    const verifier = randomUUID() + randomUUID();
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    const without = `?return_to=${encodeURIComponent(page)}`;
    expectStatus(await anonymous(base).get(`/api/auth/oidc/company/login${without}`), "no challenge", 422);
    const go = () => arrive(company, person, "company", `${without}&code_challenge=${challenge}`);
    const landed = { ...(await go()), browser: new Browser() };
    expect(landed.url.startsWith(`${page}#oidc_code=`)).toBe(true);
    expectStatus(await exchange(landed, { code_verifier: verifier }), "with the verifier", 200);
    expectStatus(await exchange(await go()), "with the cookie alone", 401);
    expectStatus(await exchange(await go(), { code_verifier: "wrong" }), "with another verifier", 401);
  });
});

describe("the exchange code", () => {
  const ready = () => arrive(company, someone({ groups: ["ops"] }));

  it("used twice is refused, also by twenty at once", async () => {
    const landed = await ready();
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(landed)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body.code === "CODE_INVALID")).toHaveLength(19);
  });

  it("planted in another browser signs nobody in (login CSRF)", async () => {
    const landed = await ready();
    expect((await exchange({ ...landed, browser: new Browser() })).body.code).toBe("CODE_INVALID");
    expect((await exchange(landed)).body.code).toBe("CODE_INVALID");
  });

  it("leaked from a page of ours is worth nothing to who planted the link with their own challenge", async () => {
    const verifier = randomUUID() + randomUUID();
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    // A redirect keeps the fragment: whichever page comes last can read the code.
    const planted = `?code_challenge=${challenge}&return_to=${encodeURIComponent("/api/auth/oidc/rogue/login")}`;
    const landed = await arrive(company, someone({ groups: ["ops"] }), "company", planted);
    const stolen = { ...landed, browser: new Browser() };
    expect((await exchange(stolen, { code_verifier: verifier })).body.code).toBe("CODE_INVALID");
  });

  it("dies with the identity it came by, taken off by hand or by whoever claims the address", async () => {
    const landed = await ready();
    await sql("delete from identities where last_login_at = (select max(last_login_at) from identities)", []);
    expect((await exchange(landed)).body.code).toBe("CODE_INVALID");
  });

  it("is worth nothing after a minute", async () => {
    const landed = await ready();
    const [row] = await sql(
      "select extract(epoch from expires_at - created_at)::int as s from one_time_tokens where purpose = 'oidc-login' order by created_at desc limit 1",
      [],
    );
    expect(row.s).toBe(60);
    await sql("update one_time_tokens set expires_at = now() where purpose = 'oidc-login'", []);
    expect((await exchange(landed)).body.code).toBe("CODE_INVALID");
  });

  it("and state and cookie are of the kind that scripts and other sites do not get", async () => {
    const browser = new Browser();
    const { headers } = await browser.request(loginUrl("company"));
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^myelin_oidc_[\w-]{8}=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    expect(headers.get("cache-control")).toBe("no-store");
    const secret = [...browser.cookies(base).values()][0];
    expect(
      await sql("select 1 from one_time_tokens t where t::text like '%' || $1 || '%'", [secret]),
    ).toEqual([]);
  });
});

describe("identities of one's own", () => {
  /** Goes through linking as a page of ours would: the call with the token, then the browser away and back. */
  async function link(user: Client, person: Person, browser = new Browser()): Promise<string> {
    elsewhere.next = person;
    const begun = await browser.request(`${base}/api/auth/oidc/elsewhere/link`, {
      method: "POST",
      headers: user.headers,
    });
    const { url } = (await begun.json()) as { url: string };
    return browser.follow(url, isLanded);
  }
  const stale = (id: string) =>
    sql("update sessions set authenticated_at = now() - interval '6 minutes' where user_id = $1", [id]);

  it("are linked by a signed-in person, listed, and lead to that account", async () => {
    const [owner, person] = [await localUser(), someone()];
    expect(await link(owner, person)).toBe(`${base}/login#oidc_linked=elsewhere`);
    const { body } = await owner.get("/api/auth/identities");
    expect(body).toMatchObject([{ provider: "elsewhere", subject: person.sub, email: person.email }]);
    await mailTo(admin, owner.email, "identity-linked");
    expect((await exchange(await arrive(elsewhere, person, "elsewhere"))).body.user.id).toBe(owner.id);
    expect(await link(owner, person), "again").toBe(`${base}/login#oidc_linked=elsewhere`);
  });

  it("are not taken from another account", async () => {
    const [first, second, person] = [await localUser(), await localUser(), someone()];
    await link(first, person);
    expect(await link(second, person)).toBe(`${base}/login#oidc_error=IDENTITY_TAKEN`);
    expect((await second.get("/api/auth/identities")).body).toEqual([]);
  });

  it("are not linked by a link planted in a browser, nor after the session has ended", async () => {
    const attacker = await localUser();
    const begin = () => attacker.post("/api/auth/oidc/elsewhere/link");
    elsewhere.next = someone();
    const { url } = (await begin()).body;
    expect((await land(new Browser(), url)).error).toBe("STATE_INVALID");
    const browser = new Browser();
    const begun = await browser.request(`${base}/api/auth/oidc/elsewhere/link`, {
      method: "POST",
      headers: attacker.headers,
    });
    const own = (await begun.json()) as { url: string };
    await attacker.post("/api/auth/logout");
    expect((await land(browser, own.url)).error).toBe("SESSION_ENDED");
  });

  it("need a fresh sign-in to be added or removed", async () => {
    const [owner, person] = [await localUser(), someone()];
    await link(owner, person);
    const [{ id }] = (await owner.get("/api/auth/identities")).body;
    await stale(owner.id);
    for (const answer of [
      await owner.post("/api/auth/oidc/elsewhere/link"),
      await owner.delete(`/api/auth/identities/${id}`),
    ])
      expect(answer.body.code).toBe("REAUTHENTICATION_REQUIRED");
  });

  it("are removed, by their owner only", async () => {
    const [owner, other] = [await localUser(), await localUser()];
    await link(owner, someone());
    const [{ id }] = (await owner.get("/api/auth/identities")).body;
    expectStatus(await other.delete(`/api/auth/identities/${id}`), "another's", 404);
    expectStatus(await owner.delete(`/api/auth/identities/${id}`), "one's own", 204);
    expect((await owner.get("/api/auth/identities")).body).toEqual([]);
  });

  it("end with the other sessions, whoever opened those, when they are removed", async () => {
    const [owner, person] = [await localUser(), someone()];
    await link(owner, person);
    const intruder = clientFor(await exchange(await arrive(elsewhere, person, "elsewhere")));
    expectStatus(await intruder.get("/api/auth/me"), "before", 200);
    const [{ id }] = (await owner.get("/api/auth/identities")).body;
    expectStatus(await owner.delete(`/api/auth/identities/${id}`), "removed", 204);
    expect((await intruder.get("/api/auth/me")).body.code).toBe("SESSION_ENDED");
    expectStatus(await owner.get("/api/auth/me"), "the one that asked", 200);
  });

  it("are kept when they are the only way in, also of two removed at once", async () => {
    const person = someone();
    const user = clientFor(await enter(company, person));
    const only = (await user.get("/api/auth/identities")).body[0].id;
    expect((await user.delete(`/api/auth/identities/${only}`)).body.code).toBe("LAST_WAY_IN");
    await link(user, someone());
    const ids: string[] = (await user.get("/api/auth/identities")).body.map(({ id }: any) => id);
    const second = await whileHeld("delete from identities where id = $1", [ids[0]], () =>
      user.delete(`/api/auth/identities/${ids[1]}`),
    );
    expect([second.status, second.body.code]).toEqual([409, "LAST_WAY_IN"]);
  });
});

describe.skipIf(!existsSync(CHROMIUM))("the sign-in page in a real browser", () => {
  let chrome: ChromeBrowser;
  beforeAll(async () => {
    chrome = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  });
  afterAll(() => chrome?.close());

  const textAfter = async (person: Person | undefined, button: string) => {
    company.next = person;
    const page = await (await chrome.newContext()).newPage();
    await page.goto(`${base}/login`);
    await page.getByRole("button", { name: button }).click();
    const said = page.locator("#title:text('You are signed in'), #status:not(:empty), [name=code]");
    await said.first().waitFor();
    return { url: page.url(), text: await page.innerText("main") };
  };

  it("goes to the provider and comes back signed in, with nothing left in the address", async () => {
    const person = someone({ groups: ["ops"] });
    const { url, text } = await textAfter(person, "Sign in with The company");
    expect([url, text]).toEqual([`${base}/login`, expect.stringContaining(person.email!)]);
  });

  it("says why not", async () => {
    expect((await textAfter(someone(), "Sign in with The company")).text).toContain(
      "An administrator has yet",
    );
    expect((await textAfter(undefined, "Sign in with gone")).text).toContain("PROVIDER_UNAVAILABLE");
  });

  it("asks for the second factor", async () => {
    const person = someone({ groups: ["ops"] });
    const { body } = await enter(company, person);
    await sql("insert into totp_secrets (user_id, sealed_secret, enabled_at) values ($1, 'x', now())", [
      body.user.id,
    ]);
    expect((await textAfter(person, "Sign in with The company")).text).toContain("Code of your app");
  });
});

it("keeps the provider's secret and everybody's tokens out of the log", () => {
  const text = readFileSync(join(folder, "data", "logs", "worker.log"), "utf8");
  expect(text).not.toContain(SECRET);
  expect(text).not.toMatch(/eyJ[\w-]{10}/);
});

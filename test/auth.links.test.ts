import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { anonymous, Client, query, signIn, type User, newRun } from "./support/client.ts";
import { mailTo, tokenIn } from "./support/mailbox.ts";
import { expectStatus } from "./support/refusal.ts";

const { url, databaseUrl, adminPassword } = inject("guarded");
const nobody = anonymous(url);
const sql = (text: string, parameters: unknown[]) => query(text, parameters, databaseUrl);

let admin: User;
beforeAll(async () => {
  admin = await signIn("admin@myelin.local", adminPassword, url);
});

const newcomer = () => ({
  email: `${randomUUID()}@example.com`,
  name: "Ada <b>Lovelace</b>",
  password: `pass-${randomUUID()}`,
});
type Newcomer = ReturnType<typeof newcomer>;

const login = ({ email, password }: Newcomer) => nobody.post("/api/auth/login", { email, password });
const open = (token: string) => nobody.get(`/api/auth/verify-email?token=${token}`);

async function registered(): Promise<Newcomer> {
  const person = newcomer();
  expectStatus(await nobody.post("/api/auth/register", person), "register", 201);
  return person;
}

async function verified(): Promise<Newcomer> {
  const person = await registered();
  expectStatus(await open(tokenIn(await mailTo(admin, person.email, "verify-email"))), "verify", 303);
  return person;
}

async function approved(): Promise<Newcomer> {
  const person = await verified();
  const { id } = (await sql("select id from users where email = $1", [person.email]))[0];
  await sql("update users set approved_at = now() where id = $1", [id]);
  return person;
}

describe("a new account where addresses are verified and accounts approved", () => {
  it("gets in after its link and an administrator's word, and not before", async () => {
    const person = await registered();
    expect((await login(person)).body.code).toBe("EMAIL_NOT_VERIFIED");
    const link = await mailTo(admin, person.email, "verify-email");
    const opened = await open(tokenIn(link));
    expect([opened.status, opened.headers.get("location")]).toEqual([303, "/login?email_verified=true"]);
    expect((await login(person)).body.code).toBe("AWAITING_APPROVAL");
    const again = await open(tokenIn(link));
    expect([again.status, again.headers.get("location")]).toEqual([303, "/login?already_verified=true"]);
    const asked = await mailTo(admin, "admin@myelin.local", "approval-request");
    expect(asked.text).toContain(person.email);
    const let_in = await admin.post("/api/auth/approve-user", { token: tokenIn(asked) });
    expect([let_in.status, let_in.body.approved]).toEqual([200, true]);
    expectStatus(await login(person), "login", 200);
    await mailTo(admin, person.email, "welcome");
  });

  it("is not approved by its own registrant, with either link (the verification link is no approval)", async () => {
    const person = await registered();
    const token = tokenIn(await mailTo(admin, person.email, "verify-email"));
    expectStatus(await nobody.post("/api/auth/approve-user", { token }), "nobody", 401);
    expect((await admin.post("/api/auth/approve-user", { token })).body.code).toBe("LINK_INVALID");
    const insider = await approved();
    const user = await signIn(insider.email, insider.password, url);
    expectStatus(await open(token), "verify", 303);
    const approval = tokenIn(await mailTo(admin, "admin@myelin.local", "approval-request"));
    expectStatus(await nobody.post("/api/auth/approve-user", { token: approval }), "without a session", 401);
    expectStatus(await user.post("/api/auth/approve-user", { token: approval }), "by a user", 403);
    expectStatus(await open(approval), "as verification", 401);
    expect((await login(person)).body.code).toBe("AWAITING_APPROVAL");
  });

  it("is not approved by the link of an administrator who may less, which stays good for others", async () => {
    const person = await verified();
    const token = tokenIn(await mailTo(admin, "admin@myelin.local", "approval-request"));
    const deputy = await approved();
    const role = { name: `r-${randomUUID().slice(0, 8)}`, permissions: ["account:self", "users:write"] };
    expectStatus(await admin.post("/api/admin/roles", { ...role, base: "admin" }), "role", 201);
    await sql("update users set role = 'admin', custom_role = $2 where email = $1", [
      deputy.email,
      role.name,
    ]);
    const clerk = await signIn(deputy.email, deputy.password, url);
    const refused = await clerk.post("/api/auth/approve-user", { token });
    expect([refused.status, refused.body.code]).toEqual([403, "ACCOUNT_OUTRANKS_YOU"]);
    expect((await login(person)).body.code).toBe("AWAITING_APPROVAL");
    expectStatus(await admin.post("/api/auth/approve-user", { token }), "approve", 200);
    expect((await admin.post("/api/auth/approve-user", { token })).body.code).toBe("LINK_INVALID");
  });

  it("is not approved by opening the mailed link", async () => {
    const person = await verified();
    const asked = await mailTo(admin, "admin@myelin.local", "approval-request");
    const page = await nobody.get(`/api/auth/approve-user?token=${tokenIn(asked)}`);
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=UTF-8"]);
    expect(page.body).not.toContain(tokenIn(asked));
    expect((await login(person)).body.code).toBe("AWAITING_APPROVAL");
  });

  it("gets another link, which ends the first", async () => {
    const person = await registered();
    const first = tokenIn(await mailTo(admin, person.email, "verify-email"));
    expectStatus(await nobody.post("/api/auth/verify-email/resend", { email: person.email }), "resend", 202);
    const find = async () => tokenIn(await mailTo(admin, person.email, "verify-email"));
    await expect.poll(find, { timeout: 5_000 }).not.toBe(first);
    expectStatus(await open(first), "the first", 401);
    expectStatus(await open(await find()), "the second", 303);
  });

  it("does not get in by a link that has expired", async () => {
    const person = await registered();
    const token = tokenIn(await mailTo(admin, person.email, "verify-email"));
    await sql(
      "update one_time_tokens set expires_at = now() where user_id = (select id from users where email = $1)",
      [person.email],
    );
    expectStatus(await open(token), "expired", 401);
  });

  it("is kept in no log and no table in clear: only the hash of a link is", async () => {
    const person = await registered();
    const token = tokenIn(await mailTo(admin, person.email, "verify-email"));
    for (const table of ["one_time_tokens", "mails", "audit_events"]) {
      const hits = await sql(`select 1 from ${table} t where t::text like '%' || $1 || '%'`, [token]);
      expect([table, hits]).toEqual([table, []]);
    }
  });
});

describe("somebody an administrator invited", () => {
  it("chooses a password by the mailed link and gets in, verified and approved thereby", async () => {
    const email = `${randomUUID()}@example.com`;
    expectStatus(await admin.post("/api/admin/users", { email, name: "Grace" }), "invite", 201);
    const token = tokenIn(await mailTo(admin, email, "reset-password"));
    const password = `pass-${randomUUID()}`;
    expectStatus(await nobody.post("/api/auth/password/reset", { token, password }), "choose", 200);
    const { status, body } = await nobody.post("/api/auth/login", { email, password });
    expect([status, body.user.email_verified]).toEqual([200, true]);
  });

  it("verifies an address an administrator changed, and no link to the old one works any more", async () => {
    const person = await approved();
    const [{ id }] = await sql("select id from users where email = $1", [person.email]);
    await nobody.post("/api/auth/password/forgot", { email: person.email });
    const old = tokenIn(await mailTo(admin, person.email, "reset-password"));
    const email = `${randomUUID()}@example.com`;
    expectStatus(await admin.put(`/api/admin/users/${id}`, { email }), "change", 200);
    const password = `pass-${randomUUID()}`;
    expectStatus(
      await nobody.post("/api/auth/password/reset", { token: old, password }),
      "the old link",
      401,
    );
    expect((await login({ ...person, email })).body.code).toBe("EMAIL_NOT_VERIFIED");
    expectStatus(await open(tokenIn(await mailTo(admin, email, "verify-email"))), "verify", 303);
    expectStatus(await login({ ...person, email }), "login", 200);
  });
});

describe("a password reset", () => {
  const forgot = (email: string) => nobody.post("/api/auth/password/forgot", { email });
  const reset = (token: string, password: string) =>
    nobody.post("/api/auth/password/reset", { token, password });

  it("works once, ends every session, and opens none", async () => {
    const person = await approved();
    const user = await signIn(person.email, person.password, url);
    expectStatus(await forgot(person.email), "forgot", 202);
    const token = tokenIn(await mailTo(admin, person.email, "reset-password"));
    expectStatus(await reset(token, "password1234"), "a common password", 422);
    const password = `next-${randomUUID()}`;
    const done = await reset(token, password);
    expect([done.status, done.body]).toEqual([200, { success: true }]);
    expectStatus(await reset(token, `other-${randomUUID()}`), "again", 401);
    expectStatus(await user.get("/api/auth/me"), "the old session", 401);
    expectStatus(
      await nobody.post("/api/auth/refresh", { refresh_token: user.refreshToken }),
      "its refresh token",
      401,
    );
    expectStatus(await login(person), "the old password", 401);
    expectStatus(await login({ ...person, password }), "the new one", 200);
    await mailTo(admin, person.email, "password-changed");
  });

  it("by one link twenty times at once happens once", async () => {
    const person = await approved();
    await forgot(person.email);
    const token = tokenIn(await mailTo(admin, person.email, "reset-password"));
    const passwords = Array.from({ length: 20 }, () => `next-${randomUUID()}`);
    const answers = await Promise.all(passwords.map((password) => reset(token, password)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won).toHaveLength(1);
    const opened = await Promise.all(passwords.map((password) => login({ ...person, password })));
    expect(opened.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
  });

  it("is mailed three times an hour at most, whatever is asked", async () => {
    const person = await approved();
    for (let i = 0; i < 5; i++) expectStatus(await forgot(person.email), "forgot", 202);
    await mailTo(admin, person.email, "reset-password");
    const count = async () =>
      (
        await sql("select count(*)::int as n from mails where recipient = $1 and kind = 'reset-password'", [
          person.email,
        ])
      )[0].n;
    await expect.poll(count, { timeout: 5_000 }).toBe(3);
  });

  it("says the same for an address nobody has", async () => {
    const person = await approved();
    const [known, unknown] = [await forgot(person.email), await forgot(`${randomUUID()}@example.com`)];
    expect([known.status, known.body]).toEqual([unknown.status, unknown.body]);
  });
});

describe("changing one's own", () => {
  const person = async (): Promise<[Newcomer, User]> => {
    const known = await approved();
    return [known, await signIn(known.email, known.password, url)];
  };

  it("password needs the present one, ends the other sessions and keeps this one", async () => {
    const [known, user] = await person();
    const other = await signIn(known.email, known.password, url);
    const password = `next-${randomUUID()}`;
    const change = (current: string, next = password) =>
      user.post("/api/auth/password/change", { current_password: current, new_password: next });
    expect((await change("wrong")).body.code).toBe("WRONG_PASSWORD");
    expectStatus(await change(known.password, known.email), "one's own address", 422);
    expectStatus(await change(known.password), "right", 204);
    expectStatus(await user.get("/api/auth/me"), "this session", 200);
    expectStatus(await other.get("/api/auth/me"), "the other", 401);
    expectStatus(await login(known), "the old password", 401);
    expectStatus(await login({ ...known, password }), "the new one", 200);
  });

  it("password by guessing the present one is stopped", async () => {
    const [, user] = await person();
    const guess = () =>
      user.post("/api/auth/password/change", {
        current_password: randomUUID(),
        new_password: `next-${randomUUID()}`,
      });
    const answers = await Promise.all(Array.from({ length: 14 }, guess));
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(10);
    expect(answers.filter(({ body }) => body.code === "TOO_MANY_ATTEMPTS")).toHaveLength(4);
  });

  it("address takes the new one only once its link was opened, and tells the old one", async () => {
    const [known, user] = await person();
    const email = `${randomUUID()}@example.com`;
    const ask = (password: string, next = email) =>
      user.post("/api/auth/email/change", { email: next, password });
    expectStatus(await ask("wrong"), "wrong password", 403);
    expectStatus(await ask(known.password), "right", 202);
    expect((await user.get("/api/auth/me")).body.email).toBe(known.email);
    const token = tokenIn(await mailTo(admin, email, "change-email"));
    const confirmed = await nobody.get(`/api/auth/email/confirm?token=${token}`);
    expect([confirmed.status, confirmed.headers.get("location")]).toEqual([303, "/login?email_changed=true"]);
    expectStatus(await login(known), "the old address", 401);
    expectStatus(await login({ ...known, email }), "the new one", 200);
    await mailTo(admin, known.email, "email-changed");
  });

  it("address to one that is taken says the same and does nothing", async () => {
    const [known, user] = await person();
    const taken = await approved();
    const answer = await user.post("/api/auth/email/change", {
      email: taken.email,
      password: known.password,
    });
    expectStatus(answer, "taken", 202);
    expect((await user.get("/api/auth/me")).body.email).toBe(known.email);
    expect(
      await sql(
        "select 1 from one_time_tokens t join users u on u.id = t.user_id where u.email = $1 and purpose = 'change-email'",
        [known.email],
      ),
    ).toEqual([]);
  });

  it("name is one request", async () => {
    const [, user] = await person();
    const { status, body } = await user.put("/api/auth/me", { name: " Grace ", role: "admin" });
    expect([status, body.name, body.role]).toEqual([200, "Grace", "user"]);
  });
});

it("mail says what strangers typed without letting it be more than text", async () => {
  const person = newcomer();
  const name = 'x"><script>alert(1)</script>\r\nbcc: eve@example.com';
  await nobody.post("/api/auth/register", { ...person, name });
  const { subject, text } = await mailTo(admin, person.email, "verify-email");
  expect(subject).not.toMatch(/[\r\n]/);
  expect(text).toContain(name.split("\r\n")[0]);
});

it("the outbox is for administrators only", async () => {
  const known = await approved();
  const user = await signIn(known.email, known.password, url);
  expectStatus(await user.get("/api/admin/mail"), "a user", 403);
  expectStatus(await new Client(url).get("/api/admin/mail"), "nobody", 401);
});

describe("whoever had the old password", () => {
  it("cannot move the account to an address of theirs once it was replaced", async () => {
    const person = await approved();
    const thief = await signIn(person.email, person.password, url);
    const email = `${randomUUID()}@example.com`;
    expectStatus(
      await thief.post("/api/auth/email/change", { email, password: person.password }),
      "ask",
      202,
    );
    const link = tokenIn(await mailTo(admin, email, "change-email"));
    await nobody.post("/api/auth/password/forgot", { email: person.email });
    const token = tokenIn(await mailTo(admin, person.email, "reset-password"));
    const password = `next-${randomUUID()}`;
    expectStatus(await nobody.post("/api/auth/password/reset", { token, password }), "reset", 200);
    expectStatus(await nobody.get(`/api/auth/email/confirm?token=${link}`), "the thief's link", 401);
    expectStatus(await login({ ...person, password }), "the owner", 200);
  });

  it("keeps no session that was being opened while it was changed", async () => {
    const person = await approved();
    const owner = await signIn(person.email, person.password, url);
    const password = `next-${randomUUID()}`;
    const racers = Array.from({ length: 8 }, async (_, i) => {
      await new Promise((resolve) => setTimeout(resolve, i * 12));
      return login(person);
    });
    const changed = await owner.post("/api/auth/password/change", {
      current_password: person.password,
      new_password: password,
    });
    expectStatus(changed, "change", 204);
    const opened = (await Promise.all(racers)).filter(({ status }) => status === 200);
    for (const { body } of opened) {
      const session = new Client(url, { authorization: `Bearer ${body.access_token}` });
      expectStatus(await session.get("/api/auth/me"), "a session of the old password", 401);
    }
  });
});

describe("whoever opened an account with somebody else's address", () => {
  it("keeps nothing of it once its owner proves the address by a reset, and an administrator is asked", async () => {
    const person = await registered();
    await sql("update users set approved_at = now(), email_verified_at = now() where email = $1", [
      person.email,
    ]);
    const squatter = await signIn(person.email, person.password, url);
    const { token: program } = (await squatter.post("/api/tokens", { name: "t", scopes: ["*"] })).body;
    const { token: agent } = (await squatter.post("/api/agents", { name: "a" })).body;
    const asProgram = new Client(url, { "x-api-token": program });
    // A route that remembers who called.
    const hot = `/api/training/runs/${await newRun(squatter)}/metrics`;
    expectStatus(await asProgram.post(hot, { epoch: 0, step: 1 }), "the token before", 201);
    await sql("update users set approved_at = null, email_verified_at = null where email = $1", [
      person.email,
    ]);
    await nobody.post("/api/auth/password/forgot", { email: person.email });
    const token = tokenIn(await mailTo(admin, person.email, "reset-password"));
    const password = `next-${randomUUID()}`;
    expectStatus(await nobody.post("/api/auth/password/reset", { token, password }), "reset", 200);
    expectStatus(await asProgram.post(hot, { epoch: 0, step: 2 }), "the planted token, remembered", 401);
    expectStatus(await asProgram.get("/api/models"), "the planted token", 401);
    const asAgent = new Client(url, { "x-ic-token": agent });
    expectStatus(
      await asAgent.post("/api/training/leases", {
        accept: true,
        holding: [],
        capabilities: [],
        version: "1",
      }),
      "the planted agent",
      401,
    );
    expect((await login({ ...person, password })).body.code).toBe("AWAITING_APPROVAL");
    const asked = async () =>
      (await admin.get<{ kind: string; text: string }[]>("/api/admin/mail?limit=200")).body.some(
        ({ kind, text }) => kind === "approval-request" && text?.includes(person.email),
      );
    await expect.poll(asked, { timeout: 5_000 }).toBe(true);
  });
});

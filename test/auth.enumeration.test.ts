import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type Gateway, startGateway } from "../local/gateway.ts";
import { type Answer, anonymous, query, signIn } from "./support/client.ts";
import { expectStatus } from "./support/refusal.ts";
import { type SmallWorker, startSmallWorker } from "./support/workerd.ts";

const { url, databaseUrl } = inject("guarded");
const someAddress = () => [10, ...crypto.getRandomValues(new Uint8Array(3))].join(".");
const someEmail = () => `${randomUUID()}@example.com`;
const somePassword = () => `pass-${randomUUID()}`;

let gateway: Gateway;
let worker: SmallWorker;
beforeAll(async () => {
  gateway = await startGateway(databaseUrl, () => {});
  worker = await startSmallWorker('export { default } from "./test/workers/steps.ts"');
});
afterAll(async () => {
  await worker.stop();
  await gateway.close();
});

const ask = (path: string, body: Record<string, string>) =>
  anonymous(url).from(someAddress()).post(`/api/auth/${path}`, body);

/** Somebody with an account. */
async function person(): Promise<{ email: string; password: string }> {
  const known = { email: someEmail(), password: somePassword() };
  expectStatus(await ask("register", { ...known, name: "Test" }), "registering", 201);
  const admit = "update users set email_verified_at = now(), approved_at = now() where email = $1";
  await query(admit, [known.email], databaseUrl);
  return known;
}

const VERBS: Record<string, (email: string) => Promise<Answer>> = {
  login: (email) => ask("login", { email, password: "wrong password" }),
  register: (email) => ask("register", { email, name: "Test", password: somePassword() }),
  forgot: (email) => ask("password/forgot", { email }),
};

async function stepsOf(verb: string, email: string, directory?: string[]): Promise<string[]> {
  const body = JSON.stringify({ verb, email, directory, databaseUrl, gatewayUrl: gateway.url });
  const answer = await worker.fetch("/", { method: "POST", body });
  expect(answer.status).toBe(200);
  return (await answer.json()) as string[];
}

describe("whether an address has an account", () => {
  it.each(Object.keys(VERBS))("is not told by what %s says", async (verb) => {
    const said = async (email: string) => {
      const { status, body } = await VERBS[verb]!(email);
      return [status, { ...body, request_id: "" }];
    };
    const { email } = await person();
    expect(await said(email)).toEqual(await said(someEmail()));
  });

  // By the steps and not by the clock, which also counts whatever else the machine does.
  it.each([
    ["login", ["round trip", "hash", "audit"]],
    ["register", ["hash", "round trip", "audit"]],
    ["forgot", ["round trip", "audit"]],
  ])("is not told by how long %s takes", async (verb, most) => {
    const { email } = await person();
    const steps = await stepsOf(verb, email);
    expect(steps).toEqual(most);
    expect(await stepsOf(verb, someEmail())).toEqual(steps);
  });

  it("that has no password is not told by how long a login takes", async () => {
    const { email } = await person();
    const steps = await stepsOf("login", email);
    await query("update users set password_hash = null where email = $1", [email], databaseUrl);
    expect(await stepsOf("login", email)).toEqual(steps);
  });

  it("or is in the directory is not told by how long a login takes", async () => {
    const [here, there] = [await person(), await person()];
    await query("update users set password_hash = null where email = $1", [there.email], databaseUrl);
    const stepsTo = (email: string) => stepsOf("login", email, [there.email]);
    const theirs = await stepsTo(there.email);
    expect(theirs).toEqual(["round trip", "hash", "directory", "round trip", "audit"]);
    expect(await stepsTo(here.email)).toEqual(theirs);
    expect(await stepsTo(someEmail())).toEqual(theirs);
  });

  it("is told by the account's own state only to whoever has the password", async () => {
    const { email, password } = await person();
    await query("update users set suspended_at = now() where email = $1", [email], databaseUrl);
    expect((await ask("login", { email, password: "wrong" })).body.code).toBe("INVALID_CREDENTIALS");
    expect((await ask("login", { email, password })).body.code).toBe("ACCOUNT_SUSPENDED");
    await expect(signIn(email, password, url)).rejects.toThrow("ACCOUNT_SUSPENDED");
  });
});

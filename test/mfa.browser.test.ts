import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newAdmin, newUser, type User } from "./support/client.ts";
import { creationOptions, finishRegistration, ORIGIN } from "./support/factors.ts";

const CHROMIUM = "/usr/bin/chromium";
const entry = createRequire(import.meta.url).resolve("@simplewebauthn/browser");
const BUNDLE = join(dirname(entry), "..", "dist", "bundle", "index.umd.min.js");

/** What the page runs: the calls a dashboard would make, and `@simplewebauthn/browser` as it is published. */
const PAGE_CODE = `
  window.call = async (path, body, token) => {
    const headers = { "content-type": "application/json", ...(token && { authorization: "Bearer " + token }) };
    const answer = await fetch("/api/auth/" + path, { method: "POST", headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
  };
  window.register = async (token) => {
    const { body: optionsJSON } = await call("mfa/webauthn/register/start", undefined, token);
    const response = await SimpleWebAuthnBrowser.startRegistration({ optionsJSON });
    return call("mfa/webauthn/register/finish", { response, name: "Chromium" }, token);
  };
  window.signIn = async (step) => {
    const { body: optionsJSON } = await call("mfa/webauthn/authenticate/start", step);
    const response = await SimpleWebAuthnBrowser.startAuthentication({ optionsJSON });
    return call("mfa/webauthn/authenticate/finish", { ...step, response });
  };
`;

async function openPage(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${ORIGIN}/`);
  await page.addScriptTag({ path: BUNDLE });
  await page.addScriptTag({ content: PAGE_CODE });
  await giveAuthenticator(page);
  return page;
}

async function giveAuthenticator(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

describe.skipIf(!existsSync(CHROMIUM))("a browser with @simplewebauthn/browser", () => {
  let browser: Browser;
  let page: Page;
  let user: User;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    page = await openPage(await browser.newContext({ bypassCSP: true }));
    user = await newUser();
  });
  afterAll(() => browser?.close());

  const inPage = (code: string): Promise<any> => page.evaluate(code);

  it("registers a passkey", async () => {
    const { status, body } = await inPage(`register(${JSON.stringify(user.accessToken)})`);
    expect(body).toMatchObject({ name: "Chromium" });
    expect([status, body.codes.length]).toEqual([200, 10]);
    // The browser itself keeps a second one of the same account off this device.
    const again = inPage(`register(${JSON.stringify(user.accessToken)}).catch((error) => error.name)`);
    expect(await again).toBe("InvalidStateError");
  });

  it("signs in by it after the password", async () => {
    const { email, password } = user;
    const { body: step } = await inPage(`call("login", ${JSON.stringify({ email, password })})`);
    expect(step.mfa_methods).toEqual(["webauthn", "recovery"]);
    const { status, body } = await inPage(`signIn(${JSON.stringify({ mfa_token: step.mfa_token })})`);
    expect([status, body.user?.id]).toEqual([200, user.id]);
  });

  it("lets an administrator into the outbox by a passkey, under the page's own content policy", async () => {
    const chief = await newAdmin();
    const own = await (await browser.newContext()).newPage();
    await own.goto(`${ORIGIN}/outbox`);
    await giveAuthenticator(own);
    const creation = JSON.stringify(await creationOptions(chief));
    const response = await own.evaluate(`(async () => {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(${creation});
      return (await navigator.credentials.create({ publicKey })).toJSON();
    })()`);
    expect((await finishRegistration(chief, response)).status).toBe(200);
    await own.getByLabel("E-mail address").fill(chief.email);
    await own.getByLabel("Password").fill(chief.password);
    await own.getByRole("button", { name: "Sign in" }).click();
    await own.getByRole("button", { name: "Use a passkey" }).click();
    await own.getByRole("heading", { name: "Outbox" }).waitFor({ timeout: 5_000 });
    await own.context().close();
  });

  it("signs in by it alone", async () => {
    const { status, body } = await inPage("signIn({})");
    expect([status, body.user?.id, body.user?.mfa_verified]).toEqual([200, user.id, true]);
  });
});

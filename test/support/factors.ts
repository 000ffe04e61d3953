import WebAuthnEmulator, {
  AuthenticatorEmulator,
  type AuthenticatorParameters,
  PasskeysCredentialsMemoryRepository,
} from "nid-webauthn-emulator";
import { generateSync } from "otplib";
import { inject } from "vitest";
import { admin, type Answer, anonymous, type Client, query, type User } from "./client.ts";

const nobody = anonymous();

/** The page passkeys are made on: the platform calls itself by the name `localhost`. */
export const ORIGIN = inject("url").replace("127.0.0.1", "localhost");

async function ok(work: Promise<Answer>): Promise<any> {
  const { status, body } = await work;
  if (status !== 200) throw new Error(`not done: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** The code an app would show, `steps` of 30 seconds from now. */
export const codeOf = (secret: string, steps = 0): string =>
  generateSync({ secret, epoch: Math.floor(Date.now() / 1000) + steps * 30 });

/** A code that is right at no time near now. */
export function wrongCode(secret: string): string {
  const near = [-2, -1, 0, 1, 2].map((steps) => codeOf(secret, steps));
  return ["000000", "111111", "222222", "333333", "444444", "555555"].find((code) => !near.includes(code))!;
}

/** Codes of three neighbouring steps are good at once: not at the very end of one, or a test would meet four. */
async function clearOfTheStep(): Promise<void> {
  const left = 30_000 - (Date.now() % 30_000);
  if (left < 6_000) await new Promise((resolve) => setTimeout(resolve, left + 50));
}

/** Gives an account an authenticator app; its codes of this step and the next are still unused. */
export async function enableTotp(user: Client): Promise<{ secret: string; codes: string[] }> {
  await clearOfTheStep();
  const { secret } = await ok(user.post("/api/auth/mfa/totp/setup"));
  const { codes } = await ok(user.post("/api/auth/mfa/totp/enable", { code: codeOf(secret, -1) }));
  return { secret, codes };
}

/** Shows the password and gets the token of the second step. */
export async function firstStep({ email, password, url }: User): Promise<string> {
  const body = await ok(anonymous(url).post("/api/auth/login", { email, password }));
  if (!body.requires_mfa) throw new Error("no second step was asked for");
  return body.mfa_token as string;
}

export const verifyTotp = (mfa_token: string, code: string) =>
  nobody.post("/api/auth/mfa/totp/verify", { mfa_token, code });
export const useRecovery = (mfa_token: string, code: string) =>
  nobody.post("/api/auth/mfa/recovery", { mfa_token, code });

/** Makes a session look as if nothing had been shown in it for six minutes. */
export const letGoStale = ({ id }: User) =>
  query(
    "update sessions set authenticated_at = now() - interval '6 minutes', factor_at = factor_at - interval '6 minutes' where user_id = $1",
    [id],
  );

/** What the trail says of an account, newest first. */
export async function auditOf(action: string, targetId: string): Promise<any[]> {
  const path = `/api/admin/audit?action=${encodeURIComponent(action)}&target_id=${targetId}`;
  return ok((await admin()).get(path));
}

const touchOnly = (user: any) => ({ user, options: { uv: false, up: true } });
/** A security key that asks for a touch, and for no PIN. */
export const WITHOUT_PIN: Partial<AuthenticatorParameters> = {
  userMakeCredentialInteraction: touchOnly,
  userGetAssertionInteraction: touchOnly,
};

/** An authenticator and the browser around it. */
export class Device {
  readonly #emulator: WebAuthnEmulator;
  readonly origin: string;

  constructor(params: Partial<AuthenticatorParameters> = {}, origin = ORIGIN) {
    const credentialsRepository = new PasskeysCredentialsMemoryRepository();
    this.#emulator = new WebAuthnEmulator(new AuthenticatorEmulator({ credentialsRepository, ...params }));
    this.origin = origin;
  }

  create(options: any, origin = this.origin): any {
    return this.#emulator.createJSON(origin, options, [origin]);
  }

  get(options: any, origin = this.origin): any {
    return this.#emulator.getJSON(origin, options, [origin]);
  }

  /** Makes it say the same counter again and again, as a copy of it would. */
  stopCounting(): void {
    const { authenticator } = this.#emulator;
    authenticator.params = { ...authenticator.params, signCounterIncrement: 0 };
  }
}

export const creationOptions = (user: Client) => ok(user.post("/api/auth/mfa/webauthn/register/start"));
export const requestOptions = (mfa_token?: string) =>
  ok(nobody.post("/api/auth/mfa/webauthn/authenticate/start", mfa_token === undefined ? {} : { mfa_token }));
export const finishRegistration = (user: Client, response: unknown, name?: string) =>
  user.post("/api/auth/mfa/webauthn/register/finish", { response, ...(name !== undefined && { name }) });
export const finishLogin = (response: unknown, mfa_token?: string) =>
  nobody.post("/api/auth/mfa/webauthn/authenticate/finish", {
    response,
    ...(mfa_token !== undefined && { mfa_token }),
  });

/** Registers a passkey of `device`. */
export async function addPasskey(user: Client, device: Device, name?: string): Promise<any> {
  return ok(finishRegistration(user, device.create(await creationOptions(user)), name));
}

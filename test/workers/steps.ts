import { neonConfig } from "@neondatabase/serverless";
import { createDb } from "../../src/adapters/neon.ts";
import { login } from "../../src/features/auth/login.service.ts";
import { forgotPassword } from "../../src/features/auth/password.service.ts";
import { register } from "../../src/features/auth/registration.service.ts";
import type { Ctx } from "../../src/kernel/ctx.ts";
import { AppError } from "../../src/kernel/errors.ts";
import type { Directory } from "../../src/kernel/ports/directory.ts";

export interface Asked {
  verb: keyof typeof VERBS;
  email: string;
  /** The names a directory of people knows, where there is one. */
  directory?: string[];
  databaseUrl: string;
  gatewayUrl: string;
}

const VERBS = {
  login: (ctx: Ctx, email: string) => login(ctx, { email, password: "wrong password" }),
  register: (ctx: Ctx, email: string) =>
    register(ctx, { email, name: "Test", password: "a passable password" }),
  forgot: forgotPassword,
};

/** A directory that no password opens; that a real one is asked as much for a name it does not know is the adapter's. */
const directoryOf = (names: string[], step: (name: string) => void): Directory => ({
  issuer: "ldaps://directory.example",
  async authenticate(name, _, mayTry) {
    step("directory");
    await mayTry(names.includes(name) ? name : crypto.randomUUID());
    return { ok: false, reason: names.includes(name) ? "wrong_password" : "unknown" };
  },
});

/**
 * What takes time on the way to an answer, in order: password hashes, round trips to the database, questions to the
 * directory and lines of the trail.
 * What is left for afterwards counts for nothing, since nobody waits for it.
 */
async function stepsOf({ verb, email, directory, databaseUrl, gatewayUrl }: Asked): Promise<string[]> {
  const steps: string[] = [];
  const later: Promise<unknown>[] = [];
  const step = (name: string) => void (later.length > 0 || steps.push(name));
  const hashed = <T>(value: T) => {
    step("hash");
    return Promise.resolve(value);
  };
  neonConfig.fetchFunction = (...given: Parameters<typeof fetch>) => {
    step("round trip");
    return fetch(...given);
  };
  const ctx = {
    ...{ db: createDb(databaseUrl, gatewayUrl), now: new Date(), mailer: null },
    directory: directory ? directoryOf(directory, step) : null,
    client: { ip: null, network: "192.0.2.1", userAgent: null },
    settings: { registration: "open" },
    limiter: { take: () => Promise.resolve({ allowed: false }) },
    passwords: { hash: () => hashed("$argon2id$"), verify: () => hashed(false) },
    audit: () => Promise.resolve(void steps.push("audit")),
    background: (_: string, work: Promise<unknown>) => void later.push(work),
  } as unknown as Ctx;
  const refusal = await VERBS[verb](ctx, email).catch((error: unknown) => error);
  if (refusal instanceof Error && !(refusal instanceof AppError)) throw refusal;
  await Promise.all(later);
  return steps;
}

/** Answers with the steps of a verb of signing in. */
export default {
  fetch: async (request: Request) => Response.json(await stepsOf(await request.json<Asked>())),
};

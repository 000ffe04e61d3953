import { randomUUID } from "node:crypto";
import { hash } from "@node-rs/argon2";
import pg from "pg";
import { inject } from "vitest";

export interface Answer<T = any> {
  status: number;
  headers: Headers;
  body: T;
}

type Body = Record<string, unknown> | unknown[] | string | FormData | Uint8Array;

export interface CallOptions {
  headers?: Record<string, string>;
}

const isPlain = (body: Body): boolean =>
  typeof body === "string" || body instanceof FormData || body instanceof Uint8Array;

/** Somebody talking to the API: a signed-in user, an agent, or nobody. */
export class Client {
  readonly url: string;
  readonly headers: Record<string, string>;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.url = url;
    this.headers = headers;
  }

  /** Sends `body` as JSON unless it is text, bytes or a form already. */
  async call<T = any>(
    method: string,
    path: string,
    body?: Body,
    { headers }: CallOptions = {},
  ): Promise<Answer<T>> {
    const raw = body === undefined || isPlain(body);
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...this.headers, ...(!raw && { "content-type": "application/json" }), ...headers },
      body: raw ? (body as BodyInit | undefined) : JSON.stringify(body),
      redirect: "manual",
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get("content-type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson && text !== "" ? JSON.parse(text) : text) as T,
    };
  }

  get = <T = any>(path: string, options?: CallOptions) => this.call<T>("GET", path, undefined, options);
  post = <T = any>(path: string, body?: Body, options?: CallOptions) =>
    this.call<T>("POST", path, body, options);
  put = <T = any>(path: string, body?: Body, options?: CallOptions) =>
    this.call<T>("PUT", path, body, options);
  delete = <T = any>(path: string, options?: CallOptions) => this.call<T>("DELETE", path, undefined, options);

  /** The same caller from another address, as the proxy in front tells it. */
  from = (address: string): Client => new Client(this.url, { ...this.headers, "x-forwarded-for": address });
}

export interface User extends Client {
  id: string;
  email: string;
  password: string;
  accessToken: string;
  refreshToken: string;
}

export const anonymous = (url = inject("url")): Client => new Client(url);

/** Signs in and returns the client of that account. */
export async function signIn(email: string, password: string, url = inject("url")): Promise<User> {
  const { status, body } = await anonymous(url).post("/api/auth/login", { email, password });
  if (status !== 200) throw new Error(`login of ${email}: ${status} ${JSON.stringify(body)}`);
  const client = new Client(url, { authorization: `Bearer ${body.access_token}` });
  const { access_token: accessToken, refresh_token: refreshToken, user } = body;
  return Object.assign(client, { id: user.id, email, password, accessToken, refreshToken });
}

let pool: pg.Pool | undefined;
let passwordHash: Promise<string> | undefined;
const PASSWORD = `pass-${randomUUID()}`;
const ARGON2ID = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** An account as registering makes it, put where it would be: registering costs a hash, and has tests of its own. */
async function insertUser(email: string): Promise<void> {
  pool ??= new pg.Pool({ connectionString: inject("databaseUrl"), max: 2, allowExitOnIdle: true });
  const insert = "insert into users (email, name, password_hash, approved_at) values ($1, 'Test', $2, now())";
  await pool.query(insert, [email, await (passwordHash ??= hash(PASSWORD, ARGON2ID))]);
}

/** A new account of its own, so that tests never meet. */
export async function newUser(url = inject("url")): Promise<User> {
  const email = `${randomUUID()}@example.com`;
  if (url === inject("url")) {
    await insertUser(email);
    return signIn(email, PASSWORD, url);
  }
  const password = `pass-${randomUUID()}`;
  const { status, body } = await anonymous(url).post("/api/auth/register", { email, name: "Test", password });
  if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
  return signIn(email, password, url);
}

export const admin = (): Promise<User> => signIn("admin@myelin.local", inject("adminPassword"));

/** A look into the database that the API does not offer. */
export async function query<T = any>(
  sql: string,
  parameters: unknown[] = [],
  databaseUrl = inject("databaseUrl"),
): Promise<T[]> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    return (await client.query(sql, parameters)).rows as T[];
  } finally {
    await client.end();
  }
}

/** A new account with the role admin. */
export async function newAdmin(): Promise<User> {
  const user = await newUser();
  await query("update users set role = 'admin' where id = $1", [user.id]);
  return signIn(user.email, user.password);
}

/** A new account with the role viewer. */
export async function newViewer(): Promise<User> {
  const user = await newUser();
  await query("update users set role = 'viewer' where id = $1", [user.id]);
  return signIn(user.email, user.password);
}

/** Asks until `accept` is content; the one way tests wait. */
export async function until<T>(
  ask: () => Promise<T>,
  accept: (answer: T) => boolean,
  { withinMs = 20_000, everyMs = 50 } = {},
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (accept(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms; last: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export const EXTERNAL_RUN = {
  name: "external",
  model_type: "mlp",
  config: { epochs: 1, batch_size: 1, learning_rate: 0.1 },
};

/** A run that the test itself reports to. */
export async function newRun(user: Client, extra: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await user.post("/api/training/runs", { ...EXTERNAL_RUN, ...extra });
  if (status !== 201) throw new Error(`run: ${status} ${JSON.stringify(body)}`);
  return body.id as string;
}

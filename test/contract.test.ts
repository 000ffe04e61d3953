import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { Client, newAdmin, newViewer, type User } from "./support/client.ts";
import {
  addressOf,
  contract,
  fill,
  isByTicket,
  isForAdmins,
  isForAgents,
  isForUsers,
  isPublic,
  jsonSchemaOf,
  operations,
  parametersIn,
  resolve,
  validBody,
} from "./support/contract.ts";
import { each, Parties, send } from "./support/parties.ts";
import { expectStatus } from "./support/refusal.ts";
import { badTokens } from "./support/tokens.ts";

/** Whoever adds an operation that anybody may call adds it here too. */
const PUBLIC = [
  "GET /health",
  "GET /api/health",
  "POST /api/auth/register",
  "POST /api/auth/login",
  "GET /api/auth/verify-email",
  "POST /api/auth/verify-email/resend",
  "GET /api/auth/approve-user",
  "POST /api/auth/password/forgot",
  "POST /api/auth/password/reset",
  "GET /api/auth/email/confirm",
  "POST /v1/auth/signup",
  "POST /v1/auth/login",
  "POST /api/v1/auth/login",
  "POST /api/v1/auth/mfa/verify",
  "GET /api/auth/verify",
  "POST /api/auth/verify",
  "GET /.well-known/jwks.json",
  "GET /api/auth/oidc",
  "GET /api/auth/oidc/{provider}/login",
  "GET /api/auth/oidc/{provider}/callback",
  "POST /api/auth/oidc/exchange",
  "POST /api/auth/refresh",
  "POST /api/auth/mfa/totp/verify",
  "POST /api/auth/mfa/recovery",
  "POST /api/auth/mfa/webauthn/authenticate/start",
  "POST /api/auth/mfa/webauthn/authenticate/finish",
  "GET /api/public/models",
  "GET /api/public/models/{id}",
  "GET /api/public/models/{id}/versions",
  "GET /api/public/models/{id}/versions/{version}/download",
  "GET /api/status/inference",
  "GET /api/status/pool",
  "GET /api/status/cache",
  "GET /v2",
  "GET /v2/health/live",
  "GET /v2/health/ready",
];

/** Writing operations a viewer may call: they change nothing but his own account, or only compute. */
const OPEN_TO_VIEWERS = [
  "POST /api/auth/logout",
  "POST /api/v1/auth/logout",
  "PUT /api/auth/me",
  "POST /api/auth/password/change",
  "POST /api/auth/email/change",
  "DELETE /api/auth/sessions",
  "DELETE /api/auth/sessions/{id}",
  "POST /api/auth/reauthenticate",
  "POST /api/auth/reauthenticate/start",
  "POST /api/auth/mfa/disable",
  "POST /api/auth/mfa/totp/setup",
  "POST /api/auth/mfa/totp/enable",
  "POST /api/auth/mfa/totp/disable",
  "POST /api/auth/mfa/recovery/generate",
  "POST /api/auth/mfa/webauthn/register/start",
  "POST /api/auth/mfa/webauthn/register/finish",
  "PUT /api/auth/mfa/webauthn/credentials/{id}",
  "DELETE /api/auth/mfa/webauthn/credentials/{id}",
  "POST /api/auth/oidc/{provider}/link",
  "DELETE /api/auth/identities/{id}",
  "POST /api/training/runs/{id}/stream-ticket",
  "POST /api/inference/predict/{name}",
  "POST /v2/models/{name}/infer",
  "POST /v2/models/{name}/versions/{version}/infer",
  "POST /api/notebooks/{id}/stream-ticket",
];

const MALFORMED_IDS: Record<string, string> = {
  "a path upwards": "..%2f..%2fetc%2fpasswd",
  NUL: "%00",
  "NUL inside": "a%00b",
  "half a character": "%ff",
  "a broken escape": "%zz",
  "a lone percent sign": "%",
  null: "null",
  undefined: "undefined",
  "a very long one": "a".repeat(5000),
  emoji: encodeURIComponent("🧠"),
  hexadecimal: "0x10",
  negative: "-1",
  "not a number": "NaN",
  "a fraction": "1.5",
  "beyond every integer": "9".repeat(40),
  SQL: encodeURIComponent("1' or '1'='1"),
  "a list": encodeURIComponent("[1]"),
  "an id and more": `${randomUUID()}x`,
};

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.meet();
});

const secured = operations.filter((operation) => !isPublic(operation));
const withIds = operations.filter(({ path }) => path.includes("{"));
const forAdmins = operations.filter(isForAdmins);

/** Every value of `keyword` anywhere in the document. */
function valuesOf(keyword: string): string[] {
  const values: string[] = [];
  JSON.stringify(contract, (key, value) => {
    if (key === keyword && typeof value === "string") values.push(value);
    return value;
  });
  return values;
}

describe("the document", () => {
  it("is OpenAPI 3.1 and every reference in it leads somewhere", () => {
    expect(contract.openapi).toMatch(/^3\.1\.\d+$/);
    expect(contract.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    const references = new Set(valuesOf("$ref"));
    expect(references.size).toBeGreaterThan(10);
    for (const $ref of references) expect(resolve({ $ref })).toBeTypeOf("object");
  });

  it("names every operation once", () => {
    const names = operations.map(({ name }) => name.replace(/\{\w+\}/g, "{}"));
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    const operationIds = operations.flatMap(({ operationId }) => operationId ?? []);
    expect(operationIds.length).toBe(new Set(operationIds).size);
  });

  it("calls nothing public but what is meant to be", () => {
    expect(operations.filter(isPublic).map(({ name }) => name)).toEqual(PUBLIC);
  });

  it("names only security schemes that exist", () => {
    const used = operations.flatMap(({ security = [] }) => security.flatMap(Object.keys));
    for (const scheme of used) expect(contract.components.securitySchemes).toHaveProperty(scheme);
  });

  it("has only patterns that are regular expressions as JSON Schema knows them", () => {
    for (const pattern of valuesOf("pattern")) {
      expect(() => new RegExp(pattern, "u")).not.toThrow();
      expect(pattern, "flags have no place in a pattern").not.toMatch(/\$\/[a-z]+$/);
    }
  });

  it.each(each(operations))("describes %s", (_, operation) => {
    const { path, tags, summary, responses } = operation;
    expect(tags).toEqual([expect.stringMatching(/\S/)]);
    expect(summary).toMatch(/\S/);
    expect(Object.keys(responses).some((status) => /^[123]/.test(status))).toBe(true);
    if (!isPublic(operation)) expect(responses).toHaveProperty("401");
    if (jsonSchemaOf(operation))
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(["400", "422"]));
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(parametersIn(operation, "path").toSorted()).toEqual(named.toSorted());
    for (const [status, { content }] of Object.entries(responses)) {
      if (!/^[45]/.test(status) || path.endsWith("/health")) continue;
      expect(content?.["application/json"]?.schema, status).toEqual({ $ref: "#/components/schemas/Error" });
    }
  });
});

describe("nobody gets in without a credential", () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const credentials: Record<string, Record<string, string>> = {};

  beforeAll(async () => {
    const { owner } = parties;
    Object.assign(credentials, {
      "no credential": {},
      "Basic credentials": { authorization: `Basic ${btoa(`${owner.email}:${owner.password}`)}` },
      "an empty Bearer": { authorization: "Bearer " },
      "a token without Bearer": { authorization: owner.accessToken },
      "an agent header with garbage": { "x-ic-token": "garbage" },
      "an API token header with garbage": { "x-api-token": "garbage" },
    });
    for (const [flaw, token] of Object.entries(await badTokens(owner))) credentials[flaw] = bearer(token);
  });

  it.each(each(secured))("%s", async (_, operation) => {
    const check = async ([flaw, headers]: [string, Record<string, string>]) => {
      const client = new Client(inject("url"), headers);
      const answer = await send(client, operation, { ...parties.own, id: randomUUID() });
      expectStatus(answer, flaw, 401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    };
    await Promise.all(Object.entries(credentials).map(check));
  });

  it("and an expired token is told from a broken one", async () => {
    const ask = (flaw: string) => new Client(inject("url"), credentials[flaw]).get("/api/auth/me");
    const codes = (await Promise.all([ask("expired"), ask("garbage")])).map(({ body }) => body.code);
    expect(codes).toEqual(["TOKEN_EXPIRED", "TOKEN_INVALID"]);
  });
});

describe("people and agents are not taken for each other", () => {
  const agentsMay = ({ security = [] }: (typeof operations)[number]) =>
    security.some((scheme) => scheme.icToken);

  it.each(each(operations.filter(isForAgents)))("a person may not call %s", async (_, operation) => {
    expectStatus(await send(parties.owner, operation, { id: parties.ids.run }), operation.name, 401);
  });

  it.each(each(operations.filter((operation) => isForUsers(operation) && !agentsMay(operation))))(
    "an agent may not call %s",
    async (_, operation) => {
      const { agent, own } = parties;
      expectStatus(
        await send(agent, operation, { ...own, id: parties.idFor(operation) }),
        operation.name,
        401,
      );
    },
  );
});

describe("a program gets exactly where the document says that its token leads", () => {
  const forPrograms = ({ security = [] }: (typeof operations)[number]) =>
    security.some((scheme) => scheme["apiToken"]);
  const people = operations.filter(isForUsers);
  let program: Client;
  beforeAll(async () => {
    const { body } = await (await newAdmin()).post("/api/tokens", { name: "all", scopes: ["*"] });
    program = new Client(inject("url"), { "x-api-token": body.token });
  });

  it.each(each(people))("%s", async (_, operation) => {
    const { status, body } = await send(program, operation, { id: randomUUID() });
    const outcome = status === 403 ? body.code : "let in";
    expect(outcome).toBe(forPrograms(operation) ? "let in" : "SESSION_REQUIRED");
  });
});

describe("nothing of another user's exists", () => {
  it.each(each(withIds.filter((operation) => !isForAdmins(operation))))("%s", async (_, operation) => {
    const { own, ids, other, otherAgent } = parties;
    const [client, ...refused] = isForAgents(operation) ? [otherAgent, 404, 409] : [other, 404];
    const [name] = parametersIn(operation, "path");
    const targets = [...(own[name!] === undefined ? Object.values(ids) : [own[name!]!]), randomUUID()];
    const check = async (id: string) =>
      expectStatus(await send(client, operation, { ...own, [name!]: id }), `${name} = ${id}`, ...refused);
    await Promise.all(targets.map(check));
  });

  it("and the owner still has it all", async () => {
    const { ids, owner } = parties;
    const addresses = [
      ...[`datasets/${ids.dataset}`, `training/runs/${ids.run}`, `models/${ids.model}/versions/1`],
      ...[`agents/${ids.agent}`, `inference/endpoints/${ids.endpoint}`],
    ];
    for (const address of addresses) expectStatus(await owner.get(`/api/${address}`), address, 200);
    expect((await owner.get(`/api/training/runs/${ids.run}`)).body.status).toBe("running");
    expect((await owner.get(`/api/training/runs/${ids.run}/metrics`)).body).toEqual([]);
  });
});

describe("administration is for administrators", () => {
  let viewer: User;
  beforeAll(async () => {
    viewer = await newViewer();
  });

  it.each(each(forAdmins))("nobody else may call %s", async (_, operation) => {
    const { own, ids, other } = parties;
    const check = async (client: User, id: string) =>
      expectStatus(await send(client, operation, { ...own, id }), `${client.email} ${id}`, 403);
    for (const client of [other, viewer])
      await Promise.all([ids.user, client.id, randomUUID()].map((id) => check(client, id)));
  });

  it.each(each(forAdmins.filter(({ path }) => path.includes("{"))))(
    "%s finds nothing by an id there is not",
    async (_, operation) => {
      const unknown = { id: randomUUID(), name: "no-such-role" };
      expectStatus(await send(parties.admin, operation, unknown), operation.name, 404);
    },
  );

  it.each(each(forAdmins.filter(({ method, path }) => method === "GET" && !path.includes("{"))))(
    "%s answers an administrator",
    async (_, operation) => {
      expectStatus(await send(parties.admin, operation), operation.name, 200);
    },
  );
});

describe("a malformed id is simply not found", () => {
  it.each(each(withIds))("%s", async (_, operation) => {
    const { body, headers = {} } = validBody(operation);
    for (const name of parametersIn(operation, "path")) {
      const [before, after] = operation.path.split(`{${name}}`);
      const values = { ...parties.own, id: parties.ids.model };
      const check = async ([flaw, id]: [string, string]) => {
        const [, query] = addressOf(operation).split("?");
        const address = `${fill(before!, values)}${id}${fill(after!, values)}${query ? `?${query}` : ""}`;
        const answer = await parties.callerOf(operation).call(operation.method, address, body, { headers });
        expectStatus(answer, `${name}: ${flaw}`, 404);
      };
      await Promise.all(Object.entries(MALFORMED_IDS).map(check));
    }
  });
});

it("an id in capitals is the same id, and its run has one history", async () => {
  const { owner, ids } = parties;
  const [lower, upper] = [ids.run, ids.run.toUpperCase()].map((id) => `/api/training/runs/${id}`);
  const report = (run: string, step: number) => owner.post(`${run}/metrics`, { epoch: 0, step });
  for (const [i, run] of [lower!, upper!, lower!].entries()) expectStatus(await report(run, i), run, 201);
  for (const run of [lower, upper])
    expect((await owner.get(`${run}/metrics`)).body.map(({ seq }: any) => seq)).toEqual([1, 2, 3]);
});

describe("a viewer changes nothing", () => {
  const writes = operations.filter(
    (operation) =>
      operation.method !== "GET" && isForUsers(operation) && !OPEN_TO_VIEWERS.includes(operation.name),
  );
  let viewer: User;
  beforeAll(async () => {
    viewer = await newViewer();
  });

  it.each(each(writes))("%s", async (_, operation) => {
    const { own, ids } = parties;
    for (const id of [randomUUID(), ids.model, ids.run])
      expectStatus(await send(viewer, operation, { ...own, id }), operation.name, 403);
  });

  /** What a link in a mail leads to; without its token there is nothing to read. */
  const BY_LINK = ["/api/auth/verify-email", "/api/auth/email/confirm"];
  const reads = operations.filter(
    (operation) =>
      operation.method === "GET" &&
      !operation.path.includes("{") &&
      !isForAdmins(operation) &&
      !isForAgents(operation) &&
      !isByTicket(operation) &&
      !BY_LINK.includes(operation.path),
  );
  it.each(each(reads))("but may call %s", async (_, operation) => {
    expectStatus(await viewer.get(addressOf(operation)), operation.name, 200);
  });
});

import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { anonymous } from "./support/client.ts";
import {
  addressOf,
  fill,
  jsonSchemaOf,
  type Operation,
  operations,
  parametersIn,
  resolve,
  sample,
  type Schema,
  validBody,
} from "./support/contract.ts";
import { each, Parties, send } from "./support/parties.ts";
import { RawRequest } from "./support/raw.ts";
import { expectNoFault, expectRefusal, expectStatus } from "./support/refusal.ts";

const HOSTILE_QUERIES = [
  ..."|-1|0|NaN|Infinity|1e309|0x10|1.5|null|[]|{}|%00|%ff|%zz|a%0d%0ab:%20c".split("|"),
  ...[
    "9007199254740991",
    "9".repeat(40),
    "x".repeat(8000),
    encodeURIComponent("' or 1=1; drop table users; --"),
  ],
  // Positions in time that JavaScript knows and Postgres does not.
  ...["-200000-01-01T00:00:00Z", "+200000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z", "1"].map((at) =>
    Buffer.from(`${at}|${randomUUID()}`).toString("base64url"),
  ),
];

const BROKEN_JSON = ["", "{", "nonsense", '{"a":1}}', "{'a':1}", "\ufffe", '{"a":1', "[1,]"];
const NOT_OBJECTS = ["[]", "null", "1", '"text"', "true", "[[1]]"];
const FOREIGN_TYPES = [
  ...[
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/xml",
    "image/png",
    "x",
    "application/jsonx",
  ],
  ...["multipart/form-data; boundary=x", "application/octet-stream"],
];

const nested = (levels: number) => `${"[".repeat(levels)}1${"]".repeat(levels)}`;
/** JSON that is well-formed, and that no database can keep. */
const UNSTORABLE = [
  ...['"a\\u0000b"', '"\\ud800"', '"\\udc00x"', '{"\\u0000":1}', '{"a":"\\u0000"}', '{"\\ud800":1}'],
  ...[nested(500), nested(20_000), nested(100_000), '{"__proto__":{"role":"admin"}}', "1e400", "-0"],
];

const JSON_TYPE = { "content-type": "application/json" };

let parties: Parties;
beforeAll(async () => {
  parties = await Parties.meet();
});

describe("hostile queries are refused or ignored", () => {
  it.each(each(operations.filter((operation) => parametersIn(operation, "query").length > 0)))(
    "%s",
    async (_, operation) => {
      const path = fill(operation.path, { id: parties.idFor(operation) });
      const { body, headers = {} } = validBody(operation);
      const queries = parametersIn(operation, "query").flatMap((name) => [
        ...HOSTILE_QUERIES.map((value) => `${name}=${value}`),
        ...[`${name}=1&${name}=2`, `${name}[]=1`, `${name}[a]=1`, `__proto__=1&${name}=__proto__`],
      ]);
      const check = async (query: string) =>
        expectNoFault(
          await parties.callerOf(operation).call(operation.method, `${path}?${query}`, body, { headers }),
          query,
        );
      await Promise.all(queries.map(check));
    },
  );
});

/** A value of a type that the schema does not take. */
function wrongFor(schema: Schema): unknown {
  const types = [schema.type ?? []].flat();
  if (!types.includes("object")) return { not: "this" };
  return types.includes("array") ? "text" : [1];
}

/** What a body may have; a notebook of 10 MB may be twice that in JSON. */
const maxBytesOf = ({ path }: Operation) => (path === "/api/notebooks/import" ? 22_000_000 : 4_000_000);

/** Clients of the Open Inference Protocol send JSON without calling it that. */
const isUnsaidJson = ({ path }: Operation, type: string) =>
  path.startsWith("/v2/") && type === "application/octet-stream";

describe("a body that is not what the schema says is refused", () => {
  const withJson = operations.filter(jsonSchemaOf);
  const addressFor = (operation: Operation) => fill(operation.path, { ...parties.own, id: randomUUID() });

  it.each(each(withJson))("%s", async (_, operation) => {
    const check = async (body: string, type: string, status: number) => {
      const options = { headers: { "content-type": type } };
      const client = parties.callerOf(operation);
      expectStatus(
        await client.call(operation.method, addressFor(operation), body, options),
        body || type,
        status,
      );
    };
    await Promise.all([
      ...BROKEN_JSON.map((body) => check(body, "application/json", 400)),
      ...NOT_OBJECTS.map((body) => check(body, "application/json", 422)),
      ...FOREIGN_TYPES.map((type) => check("{}", type, isUnsaidJson(operation, type) ? 422 : 415)),
    ]);
  });

  it.each(each(withJson))("%s, by its declared length alone when that is too much", async (_, operation) => {
    const headers = {
      ...parties.callerOf(operation).headers,
      ...JSON_TYPE,
      "content-length": String(maxBytesOf(operation) + 1),
    };
    const request = await RawRequest.open(operation.method, addressFor(operation), headers);
    expectStatus(await request.answer(), "oversized", 413);
  });

  it.each(each(withJson))("%s, field by field", async (_, operation) => {
    const { body } = validBody(operation);
    const { properties = {}, required = [] }: Schema = resolve(jsonSchemaOf(operation)!);
    const check = async (label: string, changed: Record<string, unknown>) => {
      const answer = await parties.callerOf(operation).call(operation.method, addressFor(operation), changed);
      expectStatus(answer, label, 422);
    };
    for (const key of required as string[]) {
      const { [key]: _gone, ...rest } = body;
      await check(`without ${key}`, rest);
    }
    for (const [key, schema] of Object.entries<Schema>(properties)) {
      if (resolve(schema).type !== undefined)
        await check(`a wrong ${key}`, { ...body, [key]: wrongFor(resolve(schema)) });
    }
  });

  it.each(each(withJson))("%s, with what cannot be stored", async (_, operation) => {
    const schema = resolve(jsonSchemaOf(operation)!);
    const whole = { ...sample(schema, true), ...validBody(operation).body };
    const path = fill(operation.path, { ...parties.own, id: parties.idFor(operation) });
    const check = async (key: string, value: string) => {
      const text = JSON.stringify({ ...whole, [key]: "\u0001" }).replace('"\\u0001"', () => value);
      const answer = await parties
        .callerOf(operation)
        .call(operation.method, path, text, { headers: JSON_TYPE });
      expectNoFault(answer, `${key} = ${value.slice(0, 40)}`);
    };
    const keys = new Set([...Object.keys(schema.properties ?? {}), ...Object.keys(whole), "unheard_of"]);
    await Promise.all([...keys].flatMap((key) => UNSTORABLE.map((value) => check(key, value))));
  });

  it.each(each(operations.filter(({ requestBody }) => requestBody?.content["multipart/form-data"])))(
    "%s, which takes a form",
    async (_, operation) => {
      const path = fill(operation.path, { id: parties.ids.model });
      for (const type of ["application/json", "text/plain", "application/octet-stream"]) {
        const answer = await parties.owner.call(operation.method, path, "{}", {
          headers: { "content-type": type },
        });
        expectStatus(answer, type, 415);
      }
      expectStatus(await parties.owner.call(operation.method, path), "no body", 400, 415);
    },
  );
});

describe("addresses and methods that do not exist", () => {
  it.each([
    "/nothing",
    "/api",
    "/api/",
    "/api/models/",
    "//api/models",
    "/api/MODELS",
    "/openapi.yaml",
    "/.env",
  ])("%s is 404", async (path) => {
    expectStatus(await parties.owner.get(path), path, 404);
  });

  it.each([...new Set(operations.map(({ path }) => path))])(
    "%s refuses other methods with 405 and says which there are",
    async (path) => {
      const used = operations.filter((operation) => operation.path === path).map(({ method }) => method);
      const address = fill(path, { ...parties.own, id: parties.ids.model });
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"]) {
        if (used.includes(method)) continue;
        const answer = await parties.owner.call(method, address);
        expectStatus(answer, method, 405);
        expect((answer.headers.get("allow") ?? "").split(", ")).toEqual(expect.arrayContaining(used));
      }
    },
  );

  it.each(each(operations.filter(({ method, path }) => method === "GET" && !path.includes("{"))))(
    "HEAD answers like %s without a body",
    async (_, operation) => {
      const caller = parties.callerOf(operation);
      const whole = await send(caller, operation);
      const head = await caller.call("HEAD", addressOf(operation));
      expect([head.status, head.body]).toEqual([whole.status, ""]);
    },
  );
});

it("says the request id of a refusal in header and body", async () => {
  const answer = await anonymous().get("/api/models", { headers: { "x-request-id": "client-chosen.1" } });
  expectRefusal(answer, "chosen");
  expect(answer.body.request_id).toBe("client-chosen.1");
});

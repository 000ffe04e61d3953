import { randomUUID } from "node:crypto";
import { inject } from "vitest";

export interface Schema {
  $ref?: string;
  type?: string | string[];
  [keyword: string]: any;
}

export interface Operation {
  /** Method and address, such as `GET /api/models/{id}`. */
  name: string;
  method: string;
  path: string;
  tags?: string[];
  summary?: string;
  operationId?: string;
  security?: Record<string, string[]>[];
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

const response = await fetch(`${inject("url")}/openapi.json`);

/** The platform's own OpenAPI document. */
export const contract: any = await response.json();

export const operations: Operation[] = Object.entries<any>(contract.paths).flatMap(([path, item]) =>
  Object.entries<any>(item).map(([method, rest]) => ({
    ...rest,
    path,
    method: method.toUpperCase(),
    name: `${method.toUpperCase()} ${path}`,
  })),
);

const schemes = ({ security = [] }: Operation): string[] => security.flatMap(Object.keys);
export const isPublic = (operation: Operation): boolean => schemes(operation).length === 0;
/** Open to a signed-in person, maybe to others too. */
export const isForUsers = (operation: Operation): boolean => schemes(operation).includes("bearer");
/** Open to administrators alone, as the built-in roles go. */
export const isForAdmins = ({ path }: Operation): boolean =>
  /^\/(?:api\/(?:admin|terminal)\/|metrics$)/.test(path);
/** Opened with a ticket and nothing else. */
export const isByTicket = (operation: Operation): boolean =>
  !isPublic(operation) && schemes(operation).every((scheme) => scheme === "streamTicket");
/** Open to agents alone. */
export const isForAgents = (operation: Operation): boolean =>
  !isPublic(operation) && schemes(operation).every((scheme) => scheme === "icToken");

export const parametersIn = (operation: Operation, where: "path" | "query"): string[] =>
  (operation.parameters ?? []).filter((parameter) => parameter.in === where).map(({ name }) => name);

/** The address with its path parameters filled in, escaped unless `raw`. */
export const fill = (path: string, values: Record<string, string>): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? randomUUID()));

/** The address with the queries it cannot do without. */
export function addressOf(operation: Operation, values: Record<string, string> = {}): string {
  const required = (operation.parameters ?? []).filter(
    (parameter) => parameter.in === "query" && parameter.required,
  );
  const query = new URLSearchParams(required.map(({ name, schema }) => [name, String(sample(schema ?? {}))]));
  return `${fill(operation.path, values)}${required.length > 0 ? `?${query}` : ""}`;
}

/** What `$ref` points at. */
export function resolve(schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const target = schema.$ref
    .replace(/^#\//, "")
    .split("/")
    .reduce((node, key) => node?.[key], contract);
  if (target === undefined) throw new Error(`${schema.$ref} leads nowhere`);
  return resolve(target);
}

const STRINGS: Record<string, () => string> = {
  uuid: randomUUID,
  "date-time": () => "2026-01-02T03:04:05.000Z",
  email: () => `${randomUUID()}@example.com`,
  uri: () => "https://example.com/",
};

function sampleString({ format = "", minLength = 0, pattern }: Schema): string {
  const known = STRINGS[format];
  if (known) return known();
  if (pattern !== undefined) throw new Error(`a text after ${pattern} needs an example`);
  return "sample".padEnd(minLength, "x");
}

function sampleNumber({ minimum, exclusiveMinimum, exclusiveMaximum, maximum }: Schema): number {
  const low = minimum ?? exclusiveMinimum;
  if (exclusiveMinimum === undefined) return low ?? 1;
  return (low + (maximum ?? exclusiveMaximum ?? low + 2)) / 2;
}

/** A value the schema accepts: its example when it has one, else the plainest; optional fields only when `whole`. */
export function sample(given: Schema, whole = false): any {
  const schema = resolve(given);
  const { example, const: constant, anyOf, oneOf, allOf } = schema;
  if (example !== undefined) return example;
  if (constant !== undefined) return constant;
  if (schema.enum) return schema.enum[0];
  const [first] = anyOf ?? oneOf ?? [];
  if (first) return sample(first, whole);
  if (allOf) return Object.assign({}, ...allOf.map((part: Schema) => sample(part, whole)));
  const [type] = [schema.type ?? []].flat();
  if (type === "string") return sampleString(schema);
  if (type === "number" || type === "integer") return sampleNumber(schema);
  if (type === "boolean") return true;
  if (type === "null") return null;
  if (type === "array")
    return Array.from({ length: schema.minItems ?? 0 }, () => sample(schema.items, whole));
  if (type === "object") return sampleObject(schema, whole);
  return 1;
}

function sampleObject({ properties = {}, required = [] }: Schema, whole: boolean): Record<string, unknown> {
  const wanted = Object.entries<Schema>(properties).filter(([key]) => whole || required.includes(key));
  return Object.fromEntries(wanted.map(([key, schema]) => [key, sample(schema, whole)]));
}

/** Bodies whose schema says too little to make one from it. */
const BODIES: Record<string, unknown> = {
  "POST /api/training/runs": {
    name: "sample",
    model_type: "mlp",
    config: { epochs: 1, batch_size: 1, learning_rate: 0.1 },
  },
  "POST /api/training/runs/{id}/metrics": { epoch: 0, step: 0, loss: 1 },
  "POST /api/inference/predict/{name}": { inputs: [[1, 2]] },
  "POST /api/auth/reauthenticate": { password: "a wrong one" },
  "POST /api/auth/password/change": {
    current_password: "a wrong one",
    new_password: "nine llamas in a boat",
  },
};

export const jsonSchemaOf = ({ requestBody }: Operation): Schema | undefined =>
  requestBody?.content["application/json"]?.schema;

/** A body the operation accepts, and the content type that a client library would not set by itself. */
export function validBody(operation: Operation): { body?: any; headers?: Record<string, string> } {
  const content = operation.requestBody?.content ?? {};
  const json = jsonSchemaOf(operation);
  if (json) return { body: BODIES[operation.name] ?? sample(json) };
  const form = content["multipart/form-data"];
  if (form) return { body: sampleForm(resolve(form.schema)) };
  const [type] = Object.keys(content);
  return type ? { body: new Uint8Array([1, 2, 3]), headers: { "content-type": type } } : {};
}

function sampleForm({ properties, required = [] }: Schema): FormData {
  const form = new FormData();
  for (const key of required as string[]) {
    if (properties[key].format === "binary") form.set(key, new Blob(["a,b\n1,2\n"]), "sample.csv");
    else form.set(key, sample(properties[key]));
  }
  return form;
}

import { expect, it } from "vitest";
import { credentialOf } from "./credential.ts";

const of = (headers: Record<string, string>) => credentialOf((name) => headers[name]);

it.each([
  [{}, undefined],
  [{ authorization: "Bearer a" }, { kind: "any", token: "a" }],
  [{ authorization: "bearer  a" }, { kind: "any", token: "a" }],
  [{ authorization: "Basic YQ==" }, { kind: "any", token: "" }],
  [{ "x-api-token": "at_a" }, { kind: "program", token: "at_a" }],
  [{ "x-ic-token": "ic_a" }, { kind: "agent", token: "ic_a" }],
  [{ "sec-websocket-protocol": "myelin.stream, bearer.a" }, { kind: "any", token: "a" }],
  [{ "sec-websocket-protocol": "myelin.stream" }, undefined],
  [
    { "x-api-token": "at_a", authorization: "Bearer at_a" },
    { kind: "program", token: "at_a" },
  ],
])("%j is %j", (headers, credential) => expect(of(headers as Record<string, string>)).toEqual(credential));

it.each<Record<string, string>>([
  { "x-api-token": "at_a", authorization: "Bearer a" },
  { "x-api-token": "at_a", authorization: "Basic YQ==" },
  { "x-api-token": "at_a", "x-ic-token": "ic_a" },
  { authorization: "Bearer a", "x-ic-token": "ic_a" },
  { authorization: "Bearer a", "sec-websocket-protocol": "bearer.b" },
])("%j is refused rather than guessed at", (headers) => {
  expect(() => of(headers)).toThrow(expect.objectContaining({ code: "CREDENTIALS_CONFLICT" }));
});

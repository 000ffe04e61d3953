import { expect, it } from "vitest";
import { readConfig, settingsOf } from "./config.ts";

const NEEDED = { DATABASE_URL: "postgres://a/b", JWT_SECRET: "x".repeat(32) };
const read = (env: Record<string, unknown>) => readConfig({ ...NEEDED, ...env });

it("names what is wrong and shows none of it", () => {
  const bad = () =>
    readConfig({ DATABASE_URL: "postgres://a/b", JWT_SECRET: "hush-hush", LOG_LEVEL: "loud" });
  expect(bad).toThrow(/^Configuration: JWT_SECRET .*; LOG_LEVEL /);
  expect(bad).not.toThrow(/hush-hush/);
});

it("refuses half of what belongs together", () => {
  const url = { UPSTASH_REDIS_REST_URL: "https://redis.example" };
  expect(() => read(url)).toThrow("Configuration: UPSTASH_REDIS_REST_URL without UPSTASH_REDIS_REST_TOKEN");
  expect(() => read({ UPSTASH_REDIS_REST_TOKEN: "x" })).toThrow("without UPSTASH_REDIS_REST_URL");
  expect(read({ ...url, UPSTASH_REDIS_REST_TOKEN: "x" })).toMatchObject(url);
  expect(() => read({ S3_BUCKET: "b", S3_ENDPOINT: "https://s3.example" })).toThrow(
    "S3_ENDPOINT, S3_BUCKET without S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY",
  );
  expect(() => read({ S3_REGION: "eu-1" })).not.toThrow();
});

it("lifts a limit for 0 alone, not for what is empty or no number", () => {
  const limitOf = (value: unknown) => settingsOf(read({ RATE_LIMIT_LOGIN: value })).rateLimits.login.limit;
  expect([limitOf(undefined), limitOf("0"), limitOf("25"), limitOf(25)]).toEqual([10, 0, 25, 25]);
  for (const value of ["", " ", "-1", "ten", "1.5", null]) {
    expect(() => limitOf(value)).toThrow("RATE_LIMIT_LOGIN must be a whole number");
  }
});

it("trusts the edge unless told how many proxies there are", () => {
  expect(read({}).TRUSTED_HOPS).toBe(undefined);
  expect(read({ TRUSTED_HOPS: "0" }).TRUSTED_HOPS).toBe(0);
  expect(() => read({ TRUSTED_HOPS: "" })).toThrow("TRUSTED_HOPS");
});

it("has an address paths can be added to, however it was written", () => {
  for (const url of ["https://ml.example", "https://ml.example/", "https://ml.example//"])
    expect(settingsOf(read({ PUBLIC_URL: url })).publicUrl).toBe("https://ml.example");
});

const provider = {
  name: "company",
  issuer: "https://id.example",
  client_id: "c",
  client_secret: "hush-hush",
};
const providers = (...changes: object[]) =>
  read({ OIDC_PROVIDERS: JSON.stringify(changes.map((change) => ({ ...provider, ...change }))) })
    .OIDC_PROVIDERS;

it("takes identity providers as JSON, plain http on this machine only", () => {
  expect(read({}).OIDC_PROVIDERS).toEqual([]);
  expect(providers({ roles: { ops: "admin" } })[0]).toMatchObject({
    ...{ label: "company", clientSecret: "hush-hush", linkVerifiedEmail: false, allowSignup: true },
    roles: new Map([["ops", "admin"]]),
  });
  for (const issuer of ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"])
    expect(providers({ issuer })[0]?.issuer).toBe(issuer);
});

it.each([
  [{ issuer: "http://id.example" }, "0 issuer must be an https address"],
  [{ issuer: "https://id.example/.well-known/openid-configuration" }, "0 issuer must be the issuer, not"],
  [{ issuer: "http://localhost.evil.example" }, "0 issuer must be"],
  [{ name: "No Name" }, "0 name must be of a-z"],
  [{ name: "ldap" }, "0 name is taken by the directory"],
  [{ roles: { ops: "root" } }, "0 roles ops"],
  [{ link_verified_email: "yes" }, "0 link_verified_email"],
  [{ scopes: "email" }, "0 scopes must include openid"],
  [{ client_secrets: "hush-hush" }, "client_secrets"],
])("refuses the identity provider %o and shows no secret", (change, text) => {
  expect(() => providers(change)).toThrow(text);
  expect(() => providers(change)).not.toThrow(/hush/);
  expect(() => providers({}, {})).toThrow("names a provider twice");
  expect(() => read({ OIDC_PROVIDERS: '[{"client_secret": "hush-hush"' })).not.toThrow(/hush/);
});

it("sends passwords in clear to a directory on this machine, or when told to, only", () => {
  const ldap =
    (url: string, extra = {}) =>
    () =>
      read({ LDAP_URL: url, LDAP_BASE_DN: "dc=example", ...extra });
  for (const url of ["ldaps://dir.example", "ldap://127.0.0.1:389", "ldap://localhost"])
    expect(ldap(url)).not.toThrow();
  for (const url of ["ldap://dir.example", "ldap://127.0.0.1.evil.example"])
    expect(ldap(url)).toThrow("in clear");
  expect(ldap("ldap://dir.example", { LDAP_ALLOW_PLAIN: "true" })).not.toThrow();
  expect(ldap("http://dir.example")).toThrow("LDAP_URL must be ldap://host or ldaps://host");
  expect(ldap("ldaps://dir.example", { LDAP_USER_FILTER: "(uid=*)" })).toThrow(
    "LDAP_USER_FILTER must hold {username}",
  );
  expect(ldap("ldaps://dir.example", { LDAP_BIND_DN: "cn=x" })).toThrow("without LDAP_BIND_PASSWORD");
});

it("has a lease outlast a network that is cut for a minute", () => {
  expect(settingsOf(read({})).leaseSeconds).toBeGreaterThan(60);
});

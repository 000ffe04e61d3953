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

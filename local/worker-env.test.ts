import { parseEnv } from "node:util";
import { expect, it } from "vitest";
import { toDotenv } from "./dotenv.ts";
import { pickWorkerEnv } from "./worker-env.ts";

it("passes the documented names and nothing else", () => {
  const env = {
    S3_BUCKET: "b",
    UPSTASH_REDIS_REST_URL: "u",
    MYELIN_LIMIT: "1",
    REGISTRATION: "closed",
    LOG_LEVEL: "",
    AWS_SECRET_ACCESS_KEY: "no",
    PATH: "no",
    MYELIN_DATA_DIR: "no",
    DATABASE_URL: "no: the platform decides",
  };
  expect(pickWorkerEnv(env)).toEqual({
    S3_BUCKET: "b",
    UPSTASH_REDIS_REST_URL: "u",
    MYELIN_LIMIT: "1",
    REGISTRATION: "closed",
  });
});

it("writes variables that a dotenv reader gives back", () => {
  const vars = { PLAIN: "a b#c", QUOTES: `it's "so"`, LINES: "a\nb", SLASH: "a\\nb" };
  expect(parseEnv(toDotenv(vars))).toEqual(vars);
  expect(toDotenv({ MONEY: "pa$$word" })).toBe("MONEY='pa\\$\\$word'\n");
  expect(() => toDotenv({ BOTH: "'`" })).toThrow("BOTH");
});

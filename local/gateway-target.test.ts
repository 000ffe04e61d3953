import { expect, it } from "vitest";
import { admit, isNeon, parseTarget } from "./gateway-target.ts";

it("knows a hosted Neon from every other Postgres", () => {
  expect(isNeon("postgresql://u:p@ep-cool-1-pooler.eu-central-1.aws.neon.tech/db?sslmode=require")).toBe(
    true,
  );
  for (const host of ["127.0.0.1", "neon.tech.example.com", "myneon.tech", "db.example.com:6432"]) {
    expect(isNeon(`postgres://u:p@${host}/db`)).toBe(false);
  }
});

it("admits the right login to any database of its server, settings kept", () => {
  const target = parseTarget("postgres://us%40er:p%2Fw@DB.example.com/main?sslmode=require");
  expect(target.address).toBe("db.example.com:5432");
  expect(admit(target, "postgresql://us%40er:p%2Fw@db.example.com:5432/copy%201")).toBe("copy 1");
  expect(admit(target, "postgres://us%40er:p%2Fw@db.example.com")).toBe("us@er");
  expect(admit(target, "postgres://us%40er:other@db.example.com/main")).toBeUndefined();
  expect(target.connection("copy 1")).toEqual({
    connectionString: "postgres://us%40er:p%2Fw@DB.example.com/copy%201?sslmode=require",
  });
});

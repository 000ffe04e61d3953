import { expect, it } from "vitest";
import { Secrets } from "./secrets.ts";

const ENV = { JWT_SECRET: "of the environment", LOG_LEVEL: "info" };

/** A source that answers what it is told to. */
function source(values: Record<string, string> | undefined) {
  const state = { values, reads: 0 };
  const logged: string[] = [];
  const secrets = new Secrets<Record<string, string>>(ENV, (_, event) => logged.push(event), {
    read: () => {
      state.reads++;
      return state.values ? Promise.resolve(state.values) : Promise.reject(new Error("sealed"));
    },
  });
  return { state, logged, secrets };
}

it("puts the source's secrets in front of the environment's, and nothing but secrets", async () => {
  const { secrets } = source({ JWT_SECRET: "of vault", LOG_LEVEL: "debug", ALLOWED_ORIGINS: "*" });
  expect(await secrets.resolve(0)).toEqual({ JWT_SECRET: "of vault", LOG_LEVEL: "info" });
});

it("asks once for many callers, and gives the same object while nothing changed", async () => {
  const { state, secrets } = source({ JWT_SECRET: "of vault" });
  const all = await Promise.all(Array.from({ length: 20 }, () => secrets.resolve(0)));
  expect([new Set(all).size, state.reads]).toEqual([1, 1]);
  expect(await secrets.resolve(300_000)).toBe(all[0]);
  expect(state.reads).toBe(2);
  state.values = { JWT_SECRET: "rotated" };
  const rotated = await secrets.resolve(600_000);
  expect([rotated === all[0], rotated["JWT_SECRET"]]).toEqual([false, "rotated"]);
});

it("falls back to the environment while the source is out, and to what it read last later on", async () => {
  const { state, logged, secrets } = source(undefined);
  expect(await secrets.resolve(0)).toBe(ENV);
  await secrets.resolve(1);
  expect([state.reads, logged]).toEqual([1, ["secrets.vault_failed"]]);
  state.values = { JWT_SECRET: "of vault" };
  const found = await secrets.resolve(15_000);
  expect(found["JWT_SECRET"]).toBe("of vault");
  state.values = undefined;
  expect(await secrets.resolve(400_000)).toBe(found);
});

it("is the environment itself without a source", async () => {
  const secrets = new Secrets<Record<string, string>>(ENV, () => {});
  expect(await secrets.resolve()).toBe(ENV);
});

import { existsSync, readFileSync } from "node:fs";
import { getTableName, is } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import { expect, it } from "vitest";
import { Variables } from "../src/config.ts";
import * as schema from "../src/db/schema.ts";

const readme = readFileSync("README.md", "utf8");
const section = (title: string) => readme.split(/^## /m).find((part) => part.startsWith(title))!;
const firstCells = (part: string) => [...part.matchAll(/^\| (.*?) \|/gm)].map(([, cell]) => cell!);
const coded = (text: string) => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);

it("names every variable the Worker reads, and no other", () => {
  const named = firstCells(section("Configuration")).flatMap(coded);
  expect(named.toSorted()).toEqual(Object.keys(Variables.shape).toSorted());
});

it("states the defaults the Worker has", () => {
  const defaults = Variables.partial().parse({});
  const rows = [...section("Configuration").matchAll(/^\| `(\w+)` \| `([^`]+)` \|/gm)];
  expect(rows.length).toBeGreaterThan(5);
  for (const [, name, value] of rows)
    expect([name, String(defaults[name as keyof typeof defaults])]).toEqual([name, value]);
});

it("names every table and every Durable Object class", () => {
  const stored = section("What is stored where");
  const tables = Object.values(schema)
    .filter((value) => is(value, PgTable))
    .map((table) => getTableName(table as PgTable));
  const named = firstCells(stored)
    .filter((cell) => cell.startsWith("table"))
    .flatMap(coded);
  expect(named.toSorted()).toEqual(tables.toSorted());
  const classes = [...readFileSync("wrangler.toml", "utf8").matchAll(/^class_name = "(\w+)"/gm)].map(
    ([, name]) => name!,
  );
  for (const name of classes) expect(stored).toContain(`object \`${name}\``);
});

it("cites only paths and scripts that exist", () => {
  const paths = coded(readme).filter((code) => /^[\w.-]+\/[\w./-]*$/.test(code) && !code.startsWith("http"));
  const missing = paths.filter(
    (path) => /^(src|agent|bench|drizzle|local|test|trainer)\//.test(path) && !existsSync(path),
  );
  expect(missing).toEqual([]);
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
  for (const [, name] of readme.matchAll(/npm run ([a-z:]+)/g)) expect(scripts).toHaveProperty([name!]);
});

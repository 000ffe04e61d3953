import { existsSync, readFileSync } from "node:fs";
import { getTableName, is } from "drizzle-orm";
import { PgTable } from "drizzle-orm/pg-core";
import { expect, it } from "vitest";
import { readOptions } from "../agent/options.ts";
import { DEFAULT_LIMITS } from "../agent/work/limits.ts";
import { Variables } from "../src/config.ts";
import * as schema from "../src/db/schema.ts";
import { CreateRun } from "../src/features/runs/runs.schema.ts";
import { PERMISSIONS } from "../src/kernel/actor.ts";

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

const agentSection = section("A script of your own, on an agent");

it("gives an example of a command that the API takes, and names what a job is given as it is given", () => {
  const [, example] = /<<'END'\n(.*)\nEND/.exec(agentSection)!;
  expect(CreateRun.parse(JSON.parse(example!))).toMatchObject({ kind: "command" });
  const job = readFileSync("agent/command-job.ts", "utf8");
  const given = new Set(agentSection.match(/MYELIN_[A-Z_]+/g));
  expect(given.size).toBeGreaterThan(3);
  for (const name of given) expect(job).toContain(`${name}:`);
});

it("names only flags and variables that the agent knows", () => {
  const flags = [...readme.matchAll(/`(--(?:max|allow|user|label)[a-z-]*)/g)].map(([, flag]) => flag!);
  expect(new Set(flags).size).toBeGreaterThan(5);
  const valued = flags.filter((flag) => !flag.startsWith("--allow-")).flatMap((flag) => [flag, "7"]);
  const allowed = flags.filter((flag) => flag.startsWith("--allow-"));
  const argv = ["--url", "http://x", "--token", "ic_x", ...allowed, ...valued];
  expect(readOptions(argv, {})).toMatchObject({ allowCommand: true, allowTerminal: true, user: "7" });
  const options = readFileSync("agent/options.ts", "utf8");
  for (const name of new Set(readme.match(/MYELIN_AGENT_[A-Z_]+/g))) expect(options).toContain(`"${name}"`);
});

it("says who may submit commands, and how long a stopped job has, as it is", () => {
  expect(agentSection).toContain("`runs:command`, which users have and viewers do not");
  expect([PERMISSIONS.user, PERMISSIONS.viewer].map((set) => set.has("runs:command"))).toEqual([true, false]);
  expect(agentSection).toContain("(SIGTERM, four seconds, SIGKILL)");
  expect(DEFAULT_LIMITS.graceMs).toBe(4_000);
});

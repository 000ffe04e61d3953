import { resolve } from "node:path";
import { expect, it } from "vitest";
import { requireNode } from "./node-version.ts";
import { readOptions } from "./options.ts";

it("prefers flags to variables to defaults", () => {
  const env = { PORT: "1", MYELIN_PORT: "2", MYELIN_DATA_DIR: "a", MYELIN_HOST: "h", MYELIN_NO_AGENT: "1" };
  expect(readOptions([], {})).toEqual({
    port: 8787,
    dataDir: resolve(".data"),
    host: "127.0.0.1",
    agent: true,
  });
  expect(readOptions([], { PORT: "1" })?.port).toBe(1);
  expect(readOptions([], env)).toEqual({ port: 2, dataDir: resolve("a"), host: "h", agent: false });
  expect(readOptions(["--port", "3", "--data-dir=b", "--host", "0.0.0.0"], env)).toEqual({
    port: 3,
    dataDir: resolve("b"),
    host: "0.0.0.0",
    agent: false,
  });
  expect(readOptions(["--no-agent"], {})?.agent).toBe(false);
});

it("takes an empty variable as unset", () => {
  expect(readOptions([], { PORT: "", MYELIN_DATA_DIR: "" })).toMatchObject({
    port: 8787,
    dataDir: resolve(".data"),
  });
});

it("understands yes and no, and takes nothing else for either", () => {
  const agent = (value: string) => readOptions([], { MYELIN_NO_AGENT: value })?.agent;
  for (const value of ["1", "true", "TRUE", "yes", "Yes"])
    expect([value, agent(value)]).toEqual([value, false]);
  for (const value of ["0", "false", "False", "no", "NO", ""])
    expect([value, agent(value)]).toEqual([value, true]);
  for (const value of ["2", "on", "nein", " "]) {
    expect(() => agent(value)).toThrow(`MYELIN_NO_AGENT is ${JSON.stringify(value)}; write true or false.`);
  }
});

it("refuses what it does not know", () => {
  expect(() => readOptions(["--prot", "1"], {})).toThrow("--prot");
  expect(() => readOptions(["extra"], {})).toThrow("extra");
  for (const port of ["http", "-1", "65536", "80.5", "0x50"]) {
    expect(() => readOptions([`--port=${port}`], {})).toThrow("is not a port");
  }
});

it("has help", () => {
  expect(readOptions(["--help"], {})).toBeUndefined();
});

it("names the Node it needs", () => {
  expect(() => requireNode("20.11.0")).toThrow("This is Node 20.11.0; Myelin needs 22.18 or newer");
  expect(() => requireNode("22.17.1")).toThrow();
  for (const version of ["22.18.0", "24.0.0", "26.1.0"]) requireNode(version);
});

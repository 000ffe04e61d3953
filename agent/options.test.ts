import { expect, it } from "vitest";
import { readOptions } from "./options.ts";

const NEEDED = ["--url", "https://x/", "--token", "ic_1"];
const read = (...argv: string[]) => readOptions([...NEEDED, ...argv], {});
const MB = 1024 * 1024;

it("runs no commands and has no labels unless told to", () => {
  expect(read()).toMatchObject({
    url: "https://x",
    allowCommand: false,
    labels: [],
    concurrency: 1,
    user: undefined,
  });
});

it("takes flags before variables", () => {
  const env = {
    MYELIN_URL: "http://env",
    MYELIN_IC_TOKEN: "ic_env",
    MYELIN_AGENT_LABELS: "gpu, big,",
    MYELIN_AGENT_ALLOW_COMMAND: "1",
    MYELIN_AGENT_USER: "nobody",
  };
  expect(readOptions([], env)).toMatchObject({
    url: "http://env",
    labels: ["gpu", "big"],
    allowCommand: true,
    user: "nobody",
  });
  expect(readOptions([...NEEDED, "--label", "a", "--label", "b", "--label", "a"], env)).toMatchObject({
    url: "https://x",
    labels: ["a", "b"],
  });
});

it("takes limits in seconds and megabytes", () => {
  const { limits } = read(
    "--max-seconds",
    "9",
    "--max-memory-mb",
    "5",
    "--max-output-mb",
    "2",
    "--max-disk-mb",
    "3",
  );
  expect(limits).toMatchObject({
    wallSeconds: 9,
    memoryBytes: 5 * MB,
    outputBytes: 2 * MB,
    diskBytes: 3 * MB,
  });
});

it.each([
  ["--concurrency", "0"],
  ["--max-seconds", "soon"],
  ["--max-processes", "-1"],
  ["--label", "no spaces"],
  ["--unheard-of", "1"],
])("refuses %s %s", (flag, value) => {
  expect(() => read(`${flag}=${value}`)).toThrow(flag);
});

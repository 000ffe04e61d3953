import { spawnSync } from "node:child_process";
import { findPython } from "#test/pythons";
import { expect, it } from "vitest";
import { CellOutputs, MAX_OUTPUT } from "./cell-outputs.ts";
import { toFile, writeNotebook } from "./nbformat.ts";

const say = (text: string, name: "stdout" | "stderr" = "stdout") => ({ type: "stream" as const, name, text });

it("joins what one stream says in a row, in what is kept and in what is new", () => {
  const outputs = new CellOutputs(3);
  outputs.add(say("a"));
  outputs.add(say("b"));
  expect(outputs.take()).toEqual([{ output_type: "stream", name: "stdout", text: "ab" }]);
  outputs.add(say("c"));
  outputs.add(say("d", "stderr"));
  expect(outputs.take().map(({ text }) => text)).toEqual(["c", "d"]);
  outputs.add({ type: "result", data: { "text/plain": "5" } });
  expect(outputs.all.map(({ output_type: type, text }) => [type, text])).toEqual([
    ["stream", "abc"],
    ["stream", "d"],
    ["execute_result", undefined],
  ]);
  expect(outputs.all[2]).toMatchObject({ execution_count: 3 });
  expect(outputs.take()).toHaveLength(1);
  expect(outputs.take()).toEqual([]);
});

it.each([["x"], ["\u0000"], ["€"], ["🧠"]])(
  "is never longer than its limit, whatever is said: %j",
  (character) => {
    const outputs = new CellOutputs(1);
    for (let i = 0; i < 300; i++) outputs.add(say(character.repeat(10_000)));
    outputs.add({ type: "display", data: { "image/png": "A".repeat(2_000_000) } });
    outputs.add({
      type: "error",
      name: "E".repeat(1000),
      value: "v".repeat(500_000),
      traceback: ["t".repeat(500_000)],
    });
    expect(JSON.stringify(outputs.all).length).toBeLessThan(MAX_OUTPUT + 20_000);
    expect(outputs.all.map((output) => output["output_type"])).toEqual(["stream", "stream", "error"]);
    expect(outputs.all[1]!["text"]).toContain("cut off");
    expect(JSON.stringify(outputs.all)).toBe(JSON.stringify(outputs.all).toWellFormed());
  },
);

it("counts what is around a text, and how often an end is told", () => {
  const outputs = new CellOutputs(1);
  for (let i = 0; i < 200_000; i++) outputs.add(say("x", i % 2 === 0 ? "stdout" : "stderr"));
  const error = { type: "error" as const, name: "E", value: "v".repeat(1000), traceback: [] };
  for (let i = 0; i < 10_000; i++) outputs.add(error);
  expect(JSON.stringify(outputs.all).length).toBeLessThan(MAX_OUTPUT + 20_000);
  expect(outputs.all.at(-1)).toMatchObject({ output_type: "error" });
});

const display = (data: Record<string, unknown>) => ({ type: "display" as const, data });

it("makes each form what nbformat takes by its name", () => {
  const outputs = new CellOutputs(1);
  const json = { a: [1, null, "x"] };
  outputs.add(
    display({
      ...{ "text/plain": 5, "text/html": ["a", 2], "text/latex": ["a\n", "b"], "text/x": { a: 1 } },
      ...{ "application/json": json, "application/geo+json": 7, "model/gltf+json": json },
      ...{ "image/png": "iVBO\nRw==", "image/svg+xml": "<svg/>" },
    }),
  );
  expect(outputs.all).toEqual([
    {
      ...{ output_type: "display_data", metadata: {} },
      data: {
        ...{ "text/plain": "5", "text/html": '["a",2]', "text/latex": ["a\n", "b"], "text/x": '{"a":1}' },
        ...{ "application/json": json, "application/geo+json": 7, "model/gltf+json": JSON.stringify(json) },
        ...{ "image/png": "iVBO\nRw==", "image/svg+xml": "<svg/>" },
      },
    },
  ]);
});

it("leaves out what cannot be shown by its name, and names it", () => {
  const outputs = new CellOutputs(1);
  const deep = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`) as unknown;
  const unfit = { "image/png": { a: 1 }, "image/jpeg": "no base64!", "application/json": deep };
  outputs.add({ ...display({ "text/plain": "x", ["k".repeat(201)]: "y", ...unfit }), metadata: { a: deep } });
  outputs.add(display({ "image/png": 5 }));
  expect(outputs.all).toMatchObject([
    { output_type: "display_data", data: { "text/plain": "x" }, metadata: {} },
    { output_type: "stream", name: "stderr" },
  ]);
  expect(Object.keys(outputs.all[0]!["data"] as object)).toEqual(["text/plain"]);
  expect(outputs.all[1]!["text"]).toMatch(
    /"k+", "image\/png", "image\/jpeg" and 1 more\]\n.*: "image\/png"\]/,
  );
});

it("has well-formed texts only, wherever a cell puts another", () => {
  const outputs = new CellOutputs(1);
  const half = "\ud800";
  outputs.add(say(half));
  outputs.add({
    ...display({
      "text/plain": half,
      "text/html": [half],
      [`x/${half}`]: half,
      "application/json": { [half]: [half] },
    }),
    metadata: { [half]: half },
  });
  outputs.add({ type: "error", name: half, value: half, traceback: [half] });
  expect(outputs.all).toHaveLength(3);
  expect(JSON.stringify(outputs.all)).not.toContain("\\ud800");
});

const python = findPython("nbformat");

it.skipIf(!python)("is valid to Python's nbformat, which can write it to a file", () => {
  const outputs = new CellOutputs(1);
  const values = [5, null, true, "\ud800", ["a", "\udfff"], ["a", 2], { a: "\ud800" }, [[1]], ""];
  const types = [
    "text/plain",
    "application/json",
    "x/y+json",
    "image/png",
    "image/svg+xml",
    "7",
    "k".repeat(201),
  ];
  for (const value of values)
    for (const type of types)
      for (const form of ["display", "result"] as const)
        outputs.add({ type: form, data: { "text/html": "x", [type]: value }, metadata: { [type]: value } });
  outputs.add({ type: "error", name: "\ud800", value: "", traceback: ["\ud800"] });
  const cell = {
    ...{ id: "a", cellType: "code" as const, source: "'\ud800' + '\\\\ud800'", metadata: {}, extra: {} },
    ...{ outputs: outputs.all, executionCount: 1, attachments: null },
  };
  const file = toFile(writeNotebook({ metadata: {}, extra: {}, cells: [cell] }, "python"));
  expect(file).toContain("'\ufffd' + '\\\\\\\\ud800'");
  const check =
    "import sys, nbformat, io\nnb = nbformat.reads(sys.stdin.read(), 4)\nnbformat.validate(nb)\nout = io.BytesIO()\nout.write(nbformat.writes(nb).encode())\nprint('ok')";
  const { stdout, stderr } = spawnSync(python!, ["-c", check], { input: file, encoding: "utf8" });
  expect(`${stdout}${stderr}`).toBe("ok\n");
});

it("leaves out what is too large in one piece, and goes on", () => {
  const outputs = new CellOutputs(1);
  outputs.add({ type: "display", data: { "image/png": "A".repeat(2_000_000) } });
  outputs.add(say("still here", "stdout"));
  expect(outputs.all.map(({ text }) => text)).toEqual([expect.stringContaining("left out"), "still here"]);
});

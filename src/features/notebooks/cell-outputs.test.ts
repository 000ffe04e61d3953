import { expect, it } from "vitest";
import { CellOutputs, MAX_OUTPUT } from "./cell-outputs.ts";

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

it("leaves out what is too large in one piece, and goes on", () => {
  const outputs = new CellOutputs(1);
  outputs.add({ type: "display", data: { "image/png": "A".repeat(2_000_000) } });
  outputs.add(say("still here", "stdout"));
  expect(outputs.all.map(({ text }) => text)).toEqual([expect.stringContaining("left out"), "still here"]);
});

import { expect, it } from "vitest";
import { partFenced } from "./fenced-code.ts";

it.each([
  ["no fence", "let a = 1;\n", "let a = 1;", null],
  ["one", "Like this:\n```js\nlet a = 1;\n```\nDone.", "let a = 1;", "Like this:\nDone."],
  ["two", "```\na\n```\nand\n~~~py\nb\n~~~", "a\n\nb", "and"],
  ["one left open", "So:\n```js\nlet a = 1;\nlet b", "let a = 1;\nlet b", "So:"],
  ["one inside another", "````md\n```js\nx\n```\n````", "```js\nx\n```", null],
  ["an empty one", "```\n```", "", null],
])("parts an answer with %s", (_, answer, suggestion, explanation) => {
  expect(partFenced(answer)).toEqual({ suggestion, explanation });
});

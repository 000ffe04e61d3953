import { expect, it } from "vitest";
import type { CellRow, NotebookRow } from "../../db/schema.ts";
import { type AssistRequest, promptOf, systemOf } from "./assist-prompt.ts";

const notebook = { name: "Iris", description: "about flowers", kernel: "python" } as NotebookRow;
const cell = (id: string, source: string, cellType = "code") => ({ id, source, cellType }) as CellRow;
const request = (rest: Partial<AssistRequest> = {}): AssistRequest => ({
  ...{ prompt: "plot it", selectedCellId: undefined, cellType: "code", includeImports: false },
  ...rest,
});

it("sends the notebook, its links and its cells, each under its language", () => {
  const linked = [{ kind: "model" as const, name: "net", type: "mlp", description: "small" }];
  const prompt = promptOf(notebook, [cell("a", "# T", "markdown"), cell("b", "x = 1")], linked, request());
  expect(prompt).toBe(
    "Notebook: Iris\nabout flowers\nLinked model: net (mlp). small\n--- markdown cell ---\n# T\n--- Python cell ---\nx = 1\n--- Write ---\nplot it",
  );
});

it("sends what comes before the selected cell, the nearest first when there is too much", () => {
  const cells = [..."abcdefgh"].map((id) => cell(id, id.repeat(6000)));
  const prompt = promptOf(notebook, cells, [], request({ selectedCellId: "f" }));
  expect(prompt.length).toBeLessThan(26_000);
  expect(prompt).toContain("Python cell (selected: the new cell follows it) ---\nffff");
  expect(prompt).not.toContain("gggg");
  expect(prompt).not.toContain("aaaa");
});

it("sends nothing but the question for Markdown, and says how to answer", () => {
  expect(promptOf(notebook, [cell("a", "secret")], [], request({ cellType: "markdown" }))).toBe("plot it");
  expect(systemOf("python", request())).toContain("Leave out the imports");
  expect(systemOf("javascript", request())).toContain("sandbox");
});

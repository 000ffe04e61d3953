import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { findPython } from "#test/pythons";
import { kernelOf, readNotebook, writeNotebook } from "./nbformat.ts";

let count = 0;
const newId = () => `new-${++count}`;
const read = (value: unknown) =>
  readNotebook(typeof value === "string" ? value : JSON.stringify(value), newId);
const again = (value: unknown) => writeNotebook(read(value), kernelOf(read(value).metadata));
const notebook = (cells: unknown[], rest = {}) => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: {},
  cells,
  ...rest,
});
const markdown = (source: unknown, rest = {}) => ({
  cell_type: "markdown",
  id: "a",
  metadata: {},
  source,
  ...rest,
});
const code = (outputs: unknown[], rest = {}) => ({
  cell_type: "code",
  id: "c",
  metadata: {},
  source: "1",
  execution_count: 1,
  outputs,
  ...rest,
});

/** A small generator with a seed, so that a failure can be repeated. */
function random(seed: number) {
  const next = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
  const text = (): string =>
    Array.from({ length: next(8) }, () =>
      pick(["a", "\n", "\r\n", " ", "é", "🧠", "\u0000", "\u2028", "\\", '"', "\ud800", "<b>"]),
    ).join("");
  const value = (depth: number): unknown =>
    depth === 0
      ? pick([null, true, 0, -1.5, 1e21, text()])
      : pick([
          () => text(),
          () => ({ [text() || "k"]: value(depth - 1), __proto: 1 }),
          () => [value(depth - 1)],
        ])();
  const object = () =>
    Object.fromEntries(Array.from({ length: next(3) }, (_, i) => [`k${i}${pick(["", "é", "_"])}`, value(2)]));
  const output = () =>
    pick([
      () => ({
        output_type: "stream",
        name: pick(["stdout", "stderr"]),
        text: pick([text(), [text(), text()]]),
      }),
      () => ({
        output_type: "display_data",
        data: { "text/plain": [text()], "application/json": value(2) },
        metadata: object(),
      }),
      () => ({
        output_type: "execute_result",
        execution_count: pick([null, 3]),
        data: { "image/png": "AQID" },
        metadata: object(),
      }),
      () => ({ output_type: "error", ename: text(), evalue: text(), traceback: [text(), text()] }),
    ])();
  const cell = (i: number) => {
    const type = pick(["code", "markdown", "raw"]);
    const shared = {
      cell_type: type,
      id: `${pick(["a", "B", "-", "_"])}${i}`,
      metadata: object(),
      source: text(),
    };
    if (type === "code")
      return {
        ...shared,
        execution_count: pick([null, 0, 7]),
        outputs: Array.from({ length: next(3) }, output),
      };
    return next(2) ? { ...shared, attachments: { "a.png": { "image/png": "AQID" } } } : shared;
  };
  return () =>
    notebook(
      Array.from({ length: next(6) }, (_, i) => cell(i)),
      {
        metadata: {
          ...object(),
          kernelspec: { name: "python3", display_name: "P" },
          language_info: { name: "python" },
        },
        ...(next(4) === 0 && { unknown: value(2) }),
      },
    );
}

/** The same notebook with every source as one text, however it was split into lines. */
const normal = (given: any) => ({
  ...given,
  cells: given.cells.map((cell: any) => ({ ...cell, source: [cell.source].flat().join("") })),
});

describe("reading and writing", () => {
  it("gives 500 random notebooks back without loss", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const given = random(seed)();
      expect(normal(again(given)), `seed ${seed}`).toEqual(normal(given));
      // Nothing grows: the second round gives the very same text.
      expect(JSON.stringify(again(again(given)))).toBe(JSON.stringify(again(given)));
    }
  });

  it("splits sources into lines without adding one", () => {
    for (const source of ["", "a", "a\n", "a\nb", "a\n\n", "\n", "a\r\nb"]) {
      const [cell] = again(notebook([markdown(source)]))["cells"] as any[];
      expect(cell.source.join("")).toBe(source);
      expect(cell.source.every((line: string) => line !== "")).toBe(true);
    }
    expect((again(notebook([markdown(["a\n", "b"])]))["cells"] as any[])[0].source).toEqual(["a\n", "b"]);
  });

  it("gives ids to those that have none, or another's, or a bad one", () => {
    const ids = read(
      notebook([markdown(""), markdown(""), markdown("", { id: "a b" }), markdown("", { id: undefined })]),
    ).cells.map(({ id }) => id);
    expect(ids[0]).toBe("a");
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[\w-]{1,64}$/);
  });

  it("adds a kernel only where the file names none", () => {
    expect(again(notebook([]))["metadata"]).toMatchObject({
      kernelspec: { name: "python3" },
      language_info: { name: "python" },
    });
    const own = {
      kernelspec: { name: "deno", language: "typescript", display_name: "Deno" },
      language_info: { name: "typescript" },
    };
    expect(again(notebook([], { metadata: own }))["metadata"]).toEqual(own);
    expect(kernelOf(own)).toBe("javascript");
  });

  it("upgrades nbformat 3", () => {
    const old = {
      nbformat: 3,
      metadata: { name: "old" },
      worksheets: [
        {
          cells: [
            { cell_type: "heading", level: 2, source: "Title" },
            {
              cell_type: "code",
              input: ["1+", "1"],
              prompt_number: 4,
              outputs: [
                { output_type: "pyout", prompt_number: 4, text: "2", html: "<b>2</b>" },
                { output_type: "pyerr", ename: "E", evalue: "v", traceback: ["t"] },
                { output_type: "stream", stream: "stderr", text: "s" },
                { output_type: "display_data", png: "AQID" },
              ],
            },
          ],
        },
      ],
    };
    const { cells, metadata } = read(old);
    expect(metadata).toEqual({ name: "old" });
    expect(cells[0]).toMatchObject({ cellType: "markdown", source: "## Title" });
    expect(cells[1]).toMatchObject({
      source: "1+1",
      executionCount: 4,
      outputs: [
        {
          output_type: "execute_result",
          execution_count: 4,
          data: { "text/plain": "2", "text/html": "<b>2</b>" },
        },
        { output_type: "error", ename: "E" },
        { output_type: "stream", name: "stderr", text: "s" },
        { output_type: "display_data", data: { "image/png": "AQID" } },
      ],
    });
  });

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["no format", {}],
    ["a format of tomorrow", { nbformat: 5, cells: [] }],
    ["no cells", { nbformat: 4 }],
    ["a cell that is none", notebook([5])],
    ["an unknown cell", notebook([{ cell_type: "video", source: "" }])],
    ["a source that is no text", notebook([markdown([1])])],
    ["an unknown output", notebook([code([{ output_type: "sound" }])])],
    ["outputs that are no list", notebook([code([], { outputs: {} })])],
    [
      "a heading that is none",
      {
        nbformat: 3,
        worksheets: [{ cells: [{ cell_type: "heading", source: [[]], level: {}, metadata: [] }] }],
      },
    ],
    ["a count that is none", notebook([code([], { execution_count: -1 })])],
    ["metadata that is a list", notebook([], { metadata: [] })],
    ["nesting", "[".repeat(50_000) + "]".repeat(50_000)],
    ["nested metadata", `{"nbformat":4,"cells":[],"metadata":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`],
  ])("refuses %s and says why", (_, given) => {
    expect(() => read(given)).toThrow(
      expect.objectContaining({ kind: "invalid", code: "NOTEBOOK_UNREADABLE" }),
    );
  });
});

it("takes texts that are none as what they are, also those nothing can be made a text of", () => {
  const odd = { toString: 1, valueOf: 1 };
  const error = { output_type: "error", ename: odd, evalue: [odd], traceback: [odd, "line"] };
  const { cells } = read(notebook([code([error])]));
  const text = JSON.stringify(odd);
  expect(cells[0]!.outputs[0]).toEqual({
    ...{ output_type: "error", ename: text, evalue: `[${text}]`, traceback: [text, "line"] },
  });
  expect(kernelOf({ language_info: { name: odd } })).toBe("python");
  const heading = { cell_type: "heading", source: [odd, "Title"], level: odd };
  const old = { nbformat: 3, worksheets: [{ cells: [heading] }] };
  expect(read(old).cells[0]!.source).toBe("# Title");
});

const python = findPython("nbformat");

it.skipIf(!python)("what it writes is valid to Python's nbformat", () => {
  const make = random(7);
  const notebooks = Array.from({ length: 60 }, () => make()).map((given: any) => {
    delete given.unknown;
    return again(given);
  });
  const check =
    "import json, sys, nbformat\nfor nb in json.load(sys.stdin): nbformat.validate(nbformat.from_dict(nb))\nprint('ok')";
  const { stdout, stderr } = spawnSync(python!, ["-c", check], {
    input: JSON.stringify(notebooks),
    encoding: "utf8",
  });
  expect(`${stdout}${stderr}`).toBe("ok\n");
});

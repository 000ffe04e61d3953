import { beforeAll, expect, it } from "vitest";
import { newUser, until, type User } from "./support/client.ts";

let user: User;
beforeAll(async () => {
  user = await newUser();
});

const FILE = {
  cells: [
    {
      cell_type: "markdown",
      id: "intro",
      metadata: { tags: ["x"] },
      source: ["# Title\n", "text"],
      attachments: { "a.png": { "image/png": "AQID" } },
    },
    { cell_type: "raw", id: "raw_1", metadata: { raw_mimetype: "text/x" }, source: ["raw"] },
    {
      cell_type: "code",
      execution_count: 7,
      id: "sum-1",
      metadata: { collapsed: false, deep: { a: [1, null, 1.5] } },
      outputs: [
        { output_type: "stream", name: "stdout", text: ["a\u0000b\n"] },
        {
          output_type: "execute_result",
          execution_count: 7,
          data: { "text/plain": ["3"], "application/json": { z: 1, a: 2 } },
          metadata: { m: 1 },
        },
      ],
      source: ["1 + 2"],
    },
    { cell_type: "code", execution_count: null, id: "empty", metadata: {}, outputs: [], source: [] },
  ],
  metadata: {
    kernelspec: { name: "javascript", display_name: "JS", language: "javascript" },
    language_info: { name: "javascript" },
    name: "From afar",
    zeta: 1,
    alpha: 2,
  },
  nbformat: 4,
  nbformat_minor: 5,
};
const load = (file: unknown, rest = {}) =>
  user.post("/api/notebooks/import", {
    content: typeof file === "string" ? file : JSON.stringify(file),
    format: "ipynb",
    ...rest,
  });
const store = async (id: string) => (await user.get(`/api/notebooks/${id}/export`)).body;

it("gives an imported notebook back as it was, to the order of its keys", async () => {
  const { status, body } = await load(FILE);
  expect(status).toBe(201);
  expect(body).toMatchObject({
    name: "From afar",
    metadata: { kernel: "javascript" },
    cells: [
      { id: "intro" },
      { cell_type: "raw" },
      { id: "sum-1", execution_count: 7, outputs: [{ text: "a\u0000b\n" }, { text: "3" }] },
      {},
    ],
  });
  const { content, format, filename } = await store(body.id);
  expect({ format, filename }).toEqual({ format: "ipynb", filename: "from_afar.ipynb" });
  const given = JSON.parse(content);
  expect(given).toEqual(FILE);
  expect(JSON.stringify(given.metadata)).toBe(JSON.stringify(FILE.metadata));
  expect(JSON.stringify(given.cells[2].outputs)).toBe(JSON.stringify(FILE.cells[2]!.outputs));
  const second = await load(content);
  expect((await store(second.body.id)).content).toBe(content);
});

it("is the file itself on request", async () => {
  const { body } = await load(FILE, { name: 'Über "alles"/.. ' });
  const response = await fetch(`${user.url}/api/notebooks/${body.id}/export?download=true`, {
    headers: user.headers,
  });
  expect(response.headers.get("content-disposition")).toMatch(
    /^attachment; filename="_ber__alles__..\.ipynb"; filename\*=UTF-8''/,
  );
  expect(response.headers.get("content-type")).toContain("application/x-ipynb+json");
  expect(await response.json()).toMatchObject({ nbformat: 4, cells: FILE.cells });
  expect((await user.get(`/api/notebooks/${body.id}/export?format=pdf`)).status).toBe(422);
});

it("runs again after a journey with identical outputs", async () => {
  const cells = [
    "let n = 6",
    "console.log('n is', n); n * 7",
    "display({'text/html': `<b>${n}</b>`})",
    "throw new RangeError('at the end')",
  ];
  const made = (
    await user.post("/api/notebooks", { name: "journey", cells: cells.map((source) => ({ source })) })
  ).body;
  const runAll = async (id: string) => {
    await user.post(`/api/notebooks/${id}/start`);
    const done = await until(
      async () => (await user.get(`/api/notebooks/${id}`)).body,
      ({ status }) => status !== "running",
    );
    return done.cells.map(({ id, source, outputs, status }: any) => ({ id, source, outputs, status }));
  };
  const before = await runAll(made.id);
  expect(before[1].outputs).toMatchObject([{ text: "n is 6\n" }, { text: "42" }]);
  const copy = (await load((await store(made.id)).content)).body;
  expect(copy.cells.map(({ outputs }: any) => outputs)).toEqual(before.map(({ outputs }: any) => outputs));
  const uncounted = (list: any[]) =>
    JSON.parse(JSON.stringify(list, (key, value) => (key === "execution_count" ? undefined : value)));
  expect(uncounted(await runAll(copy.id))).toEqual(uncounted(before));
});

it("takes ten megabytes, and no more", async () => {
  const withText = (length: number) => ({
    ...FILE,
    cells: Array.from({ length: 10 }, (_, i) => ({
      ...FILE.cells[0],
      id: `c${i}`,
      attachments: { a: { "text/plain": "x".repeat(length) } },
    })),
  });
  const large = await load(withText(950_000));
  expect(large.status).toBe(201);
  expect(JSON.parse((await store(large.body.id)).content).cells).toHaveLength(10);
  expect(await load(withText(1_050_000))).toMatchObject({
    status: 422,
    body: { code: "NOTEBOOK_UNREADABLE" },
  });
}, 60_000);

it("can be read again, whatever its outputs hold", async () => {
  const data = { "text/plain": [{ toString: 1 }, "3"] };
  const output = { output_type: "display_data", data, metadata: {} };
  const cell = {
    cell_type: "code",
    id: "a",
    metadata: {},
    source: "",
    outputs: [output],
    execution_count: 1,
  };
  const { status, body } = await load({ ...FILE, cells: [cell] });
  expect(status, JSON.stringify(body)).toBe(201);
  expect(body.cells[0].outputs[0]).toMatchObject({ text: "3", data });
});

it("refuses what is no notebook, and keeps nothing of it", async () => {
  const before = (await user.get("/api/notebooks")).body.length;
  const sources = { ...FILE, cells: [{ cell_type: "code", metadata: {}, source: "a\u0000", outputs: [] }] };
  for (const file of [
    "",
    "{",
    "[]",
    "{}",
    { ...FILE, nbformat: 2 },
    { ...FILE, cells: [{ cell_type: "x" }] },
    sources,
    { ...FILE, cells: Array.from({ length: 2001 }, () => ({ cell_type: "raw", metadata: {}, source: "" })) },
  ])
    expect((await load(file)).status).toBe(422);
  expect((await load(FILE, { format: "pdf" })).status).toBe(422);
  expect((await user.get("/api/notebooks")).body.length).toBe(before);
});

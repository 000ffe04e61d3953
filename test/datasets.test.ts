import { createHash, randomUUID } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { newUser, query, type User } from "./support/client.ts";
import { fileForm } from "./support/holdings.ts";
import { expectStatus } from "./support/refusal.ts";

let user: User;
beforeAll(async () => {
  user = await newUser();
});

const upload = (content: string, fields: Record<string, string> = {}, fileName = "d.csv") =>
  user.post("/api/datasets", fileForm({ name: "d", ...fields }, content, fileName));

describe("an uploaded table", () => {
  it.each([
    ["plain", "a,b\n1,2\n3,4\n", 2, 2],
    ["without a line end at the end", "a,b\n1,2\n3,4", 2, 2],
    ["with Windows line ends", "a,b\r\n1,2\r\n3,4\r\n", 2, 2],
    ["with blank lines", "\n\na,b\n\n1,2\n\n\n", 1, 2],
    ["with blank Windows lines", "\r\n\r\na,b\r\n\r\n1,2\r\n", 1, 2],
    ["with line breaks inside quotes", 'a,b\n"1\n1\r\n1",2\n3,"4\n"\n', 2, 2],
    ["with quotes inside quotes", 'a,b\n"say ""hi""\n",2\n"""",4\n', 2, 2],
    ["with a line break in the header", '"a\n1",b\n1,2\n', 1, 2],
    ["with a quote inside a bare value", 'size,b\n5" pipe,2\n6",4\n7,8\n', 3, 2],
    ["with a byte order mark", "\ufeffa,b\n1,2\n", 1, 2],
    ["with a byte order mark and a quoted header", '\ufeff"a, x",b\n1,2\n', 1, 2],
    ["with one column", "a\n1\n2\n", 2, 1],
    ["with empty cells", "a,b,c\n,,\n1,,\n", 2, 3],
  ])("%s is counted right", async (_, content, rows, columns) => {
    const { status, body } = await upload(content);
    expect([status, body.num_samples, body.num_features]).toEqual([201, rows, columns]);
    expect(body).toMatchObject({ file_size: Buffer.byteLength(content), dataset_type: "tabular" });
    expect(body.sha256).toBe(createHash("sha256").update(content).digest("hex"));
  });

  it("of 100,000 rows that come in many chunks is counted right", async () => {
    const row = `${"x".repeat(50)},"quoted, ""and""\nbroken"\n`;
    const { body } = await upload(`a,b\n${row.repeat(100_000)}`);
    expect([body.num_samples, body.num_features]).toEqual([100_000, 2]);
  });

  it.each([
    ["a header alone", "a,b\n"],
    ["a quote that does not end", 'a,b\n"1,2\n'],
    ["a header that is no CSV", '"a" x,b\n1,2\n'],
    ["bytes that are no text", "\0\u0001\u0002"],
  ])("with %s is kept as a file that has no shape", async (_, content) => {
    const { status, body } = await upload(content);
    expect([status, body.num_samples, body.num_features]).toEqual([201, null, null]);
  });

  it("of another kind than CSV has no shape", async () => {
    const { status, body } = await upload("a,b\n1,2\n", { dataset_type: "image" }, "d.zip");
    expect([status, body.dataset_type, body.num_samples, body.num_features]).toEqual([
      201,
      "image",
      null,
      null,
    ]);
  });

  it("knows its target column, which is no feature", async () => {
    const { body } = await upload('a,"the target",c\n1,2,3\n', {
      target_column: "the target",
      description: "ü",
    });
    expect(body).toMatchObject({
      target_column: "the target",
      num_features: 2,
      num_samples: 1,
      description: "ü",
    });
  });

  it.each([
    ["a target that is no column", { target_column: "z" }, "target_column"],
    ["an empty target", { target_column: "" }, "target_column"],
    ["an empty name", { name: "  " }, "name"],
    ["a long name", { name: "x".repeat(201) }, "name"],
    ["an unknown type", { dataset_type: "video" }, "dataset_type"],
  ])("with %s is refused", async (_, fields, path) => {
    const answer = await upload("a,b\n1,2\n", fields as Record<string, string>);
    expectStatus(answer, path, 422);
    expect(answer.body.details).toMatchObject({ in: "form", fields: [{ path }] });
  });

  it.each([
    [
      "without a name",
      () => {
        const form = new FormData();
        form.set("file", new Blob(["a\n1\n"]), "d.csv");
        return form;
      },
    ],
    [
      "without a file",
      () => {
        const form = new FormData();
        form.set("name", "d");
        return form;
      },
    ],
    ["with an empty file", () => fileForm({ name: "d" }, "", "d.csv")],
    ["with U+0000 in its name", () => fileForm({ name: "a\0b" }, "a\n1\n", "d.csv")],
  ])("%s is refused", async (_, form) => {
    expectStatus(await user.post("/api/datasets", form()), "the form", 422);
  });

  it("comes back as it went in, as CSV", async () => {
    const content = '\ufeffa,b\r\n"ü",2\r\n';
    const { body } = await upload(content);
    const answer = await fetch(`${user.url}/api/datasets/${body.id}/download`, { headers: user.headers });
    expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(Buffer.from(await answer.arrayBuffer()).toString()).toBe(content);
  });

  it("is gone when deleted, and its file left to the sweep", async () => {
    const { body } = await upload("a\n1\n");
    const orphans = () => query("select 1 from orphan_blobs where key like $1", [`datasets/${user.id}/%`]);
    const before = (await orphans()).length;
    expectStatus(await user.delete(`/api/datasets/${body.id}`), "delete", 204);
    for (const path of ["", "/download"])
      expectStatus(await user.get(`/api/datasets/${body.id}${path}`), path, 404);
    expectStatus(await user.delete(`/api/datasets/${body.id}`), "again", 404);
    expect(await orphans()).toHaveLength(before + 1);
  });
});

describe("a built-in dataset", () => {
  it("is prepared as a dataset of one's own, each time another", async () => {
    const answers = [
      await user.post("/api/builtin-datasets/iris/prepare"),
      await user.post("/api/builtin-datasets/iris/prepare"),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(201);
      expect(body).toMatchObject({
        ...{ user_id: user.id, builtin_id: "iris", num_samples: 150, num_features: 4, num_classes: 3 },
        ...{ target_column: "species", file_name: "iris.csv" },
      });
    }
    expect(answers[0]!.body.id).not.toBe(answers[1]!.body.id);
    const file = await user.get(`/api/datasets/${answers[0]!.body.id}/download`);
    expect(file.body.trim().split("\n")).toHaveLength(151);
  });

  it("is listed with what can be prepared and what cannot, and every one that can, can", async () => {
    const { body } = await user.get("/api/builtin-datasets");
    expect(body.length).toBeGreaterThan(5);
    for (const { id, available, num_samples, size_mb } of body) {
      const answer = await user.post(`/api/builtin-datasets/${id}/prepare`);
      expectStatus(answer, id, available ? 201 : 501);
      if (available)
        expect([answer.body.num_samples, answer.body.file_size / 1e6]).toEqual([num_samples, size_mb]);
      else expect([answer.body.code, size_mb]).toEqual(["BUILTIN_DATASET_NOT_SHIPPED", null]);
    }
  });

  it("that nobody knows is not found", async () => {
    for (const id of ["nothing", randomUUID(), "__proto__", "constructor", "iris%00"]) {
      expectStatus(await user.get(`/api/builtin-datasets/${id}`), id, 404);
      expectStatus(await user.post(`/api/builtin-datasets/${id}/prepare`), id, 404);
    }
  });

  it("is found by its words, whatever their case", async () => {
    const hits = async (text: string) => (await user.get(`/api/builtin-datasets/search?${text}`)).body;
    expect((await hits("query=IRIS")).map(({ id }: any) => id)).toContain("iris");
    expect(await hits("query=iris&source=elsewhere")).toEqual([]);
    expect(await hits("query=a&limit=2")).toHaveLength(2);
    expect(await hits("query=.*")).toEqual([]);
  });
});

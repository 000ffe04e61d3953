import { describe, expect, it } from "vitest";
import type { IncomingFile } from "../kernel/upload.ts";
import { multipartUpload, rawUpload, safeFileName } from "./upload.ts";

const sink = async ({ name, body, size }: IncomingFile) => ({
  name,
  size,
  bytes: new Uint8Array(await new Response(body).arrayBuffer()),
});

function formRequest(build: (form: FormData) => void, headers: Record<string, string> = {}): Request {
  const form = new FormData();
  build(form);
  return new Request("http://x/", { method: "POST", body: form, headers });
}

const putRequest = (body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  new Request("http://x/", { method: "PUT", body, headers });

describe("a form", () => {
  it("gives its file to the sink, and its fields wherever they stand", async () => {
    const request = formRequest((form) => {
      form.set("before", "1");
      form.set("file", new Blob(["content"]), "dir/模.bin");
      form.set("after", "ü");
    });
    const { stored, fields } = await multipartUpload(request, 100).receive(sink);
    expect([stored.name, Buffer.from(stored.bytes).toString()]).toEqual(["模.bin", "content"]);
    expect(Object.fromEntries(fields)).toEqual({ before: "1", after: "ü" });
  });

  it.each([
    [10, true],
    [11, false],
  ])("with a file of %i bytes where 10 are allowed is taken: %s", async (bytes, taken) => {
    const request = formRequest((form) => form.set("file", new Blob([new Uint8Array(bytes)]), "x"));
    const received = multipartUpload(request, 10).receive(sink);
    if (taken) expect((await received).stored.bytes).toHaveLength(bytes);
    else await expect(received).rejects.toMatchObject({ code: "FILE_TOO_LARGE" });
  });

  it("that declares more than it may have is refused unread", async () => {
    const request = formRequest((form) => form.set("file", new Blob(["1"]), "x"), {
      "content-length": "9999999",
    });
    let asked = false;
    const received = multipartUpload(request, 10).receive(async () => (asked = true));
    await expect(received).rejects.toMatchObject({ code: "FILE_TOO_LARGE" });
    expect(asked).toBe(false);
  });

  it("ends with the sink's own failure when that fails", async () => {
    const request = formRequest((form) => form.set("file", new Blob([new Uint8Array(500_000)]), "x"));
    const received = multipartUpload(request, 1_000_000).receive(() =>
      Promise.reject(new Error("disk full")),
    );
    await expect(received).rejects.toThrow("disk full");
  });

  it("ends with the network's failure when that fails in the midst of the file", async () => {
    const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\nsome';
    let turn = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (turn++ === 0) controller.enqueue(Buffer.from(head));
        else controller.error(new Error("connection lost"));
      },
    });
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    const init = { method: "POST", body, headers, duplex: "half" } as RequestInit;
    await expect(multipartUpload(new Request("http://x/", init), 100).receive(sink)).rejects.toThrow(
      "connection lost",
    );
  });

  it.each([
    ["no file", (form: FormData) => form.set("a", "1"), "FILE_MISSING"],
    [
      "a second file",
      (form: FormData) => ["1", "2"].forEach((c) => form.append("file", new Blob([c]), "x")),
      "BAD_UPLOAD",
    ],
    ["a file elsewhere", (form: FormData) => form.set("other", new Blob(["1"]), "x"), "BAD_UPLOAD"],
    ["a long field", (form: FormData) => form.set("a", "x".repeat(70_000)), "FORM_TOO_LARGE"],
    [
      "many parts",
      (form: FormData) => {
        for (let i = 0; i < 30; i++) form.set(`f${i}`, "1");
      },
      "FORM_TOO_LARGE",
    ],
  ])("with %s is refused", async (_, build, code) => {
    await expect(multipartUpload(formRequest(build), 100).receive(sink)).rejects.toMatchObject({ code });
  });

  it("that is none is refused", async () => {
    const asText = new Request("http://x/", {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    await expect(multipartUpload(asText, 100).receive(sink)).rejects.toMatchObject({
      kind: "unsupported_media",
    });
  });
});

describe("a raw body", () => {
  it("is the file, of the size it declares", async () => {
    const request = putRequest(new Uint8Array([1, 2, 3]), { "content-length": "3" });
    const { stored, fields } = await rawUpload(request, 3, "x.bin").receive(sink);
    expect(stored).toEqual({ name: "x.bin", size: 3, bytes: new Uint8Array([1, 2, 3]) });
    expect(fields.size).toBe(0);
  });

  it("is refused by its declared size, and by its true one when it declares none", async () => {
    const declared = putRequest(new Uint8Array(1), { "content-length": "4" });
    await expect(rawUpload(declared, 3, "x").receive(sink)).rejects.toMatchObject({ code: "FILE_TOO_LARGE" });
    await expect(rawUpload(putRequest(new Uint8Array(4)), 3, "x").receive(sink)).rejects.toMatchObject({
      code: "FILE_TOO_LARGE",
    });
  });
});

describe("a file name", () => {
  it.each([
    ["model.onnx", "model.onnx"],
    ["../../etc/passwd", "passwd"],
    ["C:\\Users\\me\\m.onnx", "m.onnx"],
    ["/", "fallback"],
    ["..", "fallback"],
    [".", "fallback"],
    ["dir/", "fallback"],
    ["   ", "fallback"],
    [undefined, "fallback"],
    [" a b ", "a b"],
    ["a\0b\r\nc\u007f\u0085", "abc"],
    ["a\u2028b", "ab"],
    ["exe.\u202exnno", "exe.xnno"],
    ["模型 🧠 👩‍🔬.onnx", "模型 🧠 👩‍🔬.onnx"],
    [".hidden", ".hidden"],
    ["half \ud83e", "half \ufffd"],
  ])("of %j becomes %j", (sent, kept) => {
    expect(safeFileName(sent, "fallback")).toBe(kept);
  });

  it("is cut at 255 characters, never through one", () => {
    expect(safeFileName("a".repeat(300), "x")).toBe("a".repeat(255));
    expect(safeFileName("🧠".repeat(300), "x")).toBe("🧠".repeat(255));
  });
});

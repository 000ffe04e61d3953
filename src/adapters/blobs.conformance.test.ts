import { createHash, randomBytes, randomUUID } from "node:crypto";
import { HeadObjectCommand, ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasRadosgw, type Radosgw, startRadosgw } from "#test/radosgw";
import type { ArrivedPart, PartUpload } from "../kernel/ports/part-uploads.ts";
import { type SmallWorker, startSmallWorker } from "#test/workerd";

/** Both blob stores, where they are used: in workerd. */
const SOURCE = `
import { createR2Blobs } from "./src/adapters/r2.ts";
import { createS3Blobs } from "./src/adapters/s3.ts";
import { createR2Parts } from "./src/adapters/r2-parts.ts";
import { createS3Parts } from "./src/adapters/s3-parts.ts";
const stores = new Map();
const storeOf = (name, env) => {
  if (name === "r2") return createR2Blobs(env.BLOBS);
  if (!stores.has(name)) stores.set(name, createS3Blobs(env.S3));
  return stores.get(name);
};
const partsOf = (name, env) => (name === "r2" ? createR2Parts(env.BLOBS) : createS3Parts(env.S3));
/** Any of the uploads' verbs by its name; the body of a part comes as it is. */
const partVerb = async (name, env, verb, query, request) => {
  const parts = partsOf(name, env);
  if (verb !== "put") return Response.json((await parts[verb](...(await request.json()))) ?? null);
  const upload = { key: query.get("key"), storageId: query.get("storageId") };
  const etag = await parts.put(upload, Number(query.get("number")), request.body, Number(query.get("size")));
  return Response.json(etag ?? null);
};
let open = 0;
/** Made here: a client that is still sending when the answer comes may not get to see it. */
const made = (bytes, end) => {
  let left = bytes;
  open++;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) {
        open--;
        return end === "break" ? controller.error(new Error("the source broke")) : controller.close();
      }
      controller.enqueue(new Uint8Array(Math.min(left, 60_000)));
      left -= 60_000;
    },
    cancel: () => void open--,
  });
};
const verbs = {
  async put(blobs, query, request) {
    const size = query.has("size") ? Number(query.get("size")) : undefined;
    const sent = request.body ?? new Blob([]).stream();
    const body = query.has("made") ? made(Number(query.get("made")), query.get("end")) : sent;
    await blobs.put(query.get("key"), body, size);
    return new Response(null, { status: 204 });
  },
  async get(blobs, query) {
    const range = query.has("start") ? { start: Number(query.get("start")), end: Number(query.get("end")) } : undefined;
    const body = await blobs.get(query.get("key"), range);
    return body ? new Response(body) : new Response(null, { status: 404 });
  },
  head: async (blobs, query) => Response.json((await blobs.head(query.get("key"))) ?? null),
  async delete(blobs, query, request) {
    await blobs.delete(await request.json());
    return new Response(null, { status: 204 });
  },
};
export default { async fetch(request, env) {
  const url = new URL(request.url);
  if (url.pathname === "/open") return Response.json(open);
  const [, store, verb, part] = url.pathname.split("/");
  try {
    if (verb === "parts") return await partVerb(store, env, part, url.searchParams, request);
    return await verbs[verb](storeOf(store, env), url.searchParams, request);
  } catch (error) {
    return new Response(error.name + ": " + error.message, { status: 500 });
  }
} };`;

let worker: SmallWorker;
let gateway: Radosgw | undefined;

beforeAll(async () => {
  gateway = hasRadosgw ? await startRadosgw() : undefined;
  worker = await startSmallWorker(SOURCE, {
    r2Buckets: ["BLOBS"],
    bindings: { S3: { ...gateway?.settings } },
  });
});
afterAll(async () => {
  await worker?.stop();
  await gateway?.stop();
});

const MIB = 1024 * 1024;
const PART = 8 * MIB;
const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const newKey = () => `test/${randomUUID()}`;

/** The port as the Worker's caller sees it. */
class Store {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  async #ask(verb: string, query: Record<string, string | number>, init?: RequestInit & { duplex?: "half" }) {
    const parameters = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]));
    const response = await worker.fetch(`/${this.#name}/${verb}?${parameters}`, init);
    if (response.status >= 500) throw new Error(await response.text());
    return response;
  }

  async put(key: string, bytes: Uint8Array, options: { size?: number } = {}): Promise<void> {
    // As a stream it goes in chunks, so that nothing but `size` tells how long it is.
    const body = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream();
    await this.#ask("put", { key, ...options }, { method: "PUT", body, duplex: "half" });
  }

  /** Of a source in the Worker itself that ends, or breaks, after so many bytes. */
  async putMade(key: string, made: number, options: { size?: number; end?: "break" }): Promise<void> {
    await this.#ask("put", { key, made, ...options }, { method: "PUT" });
  }

  async get(key: string, start?: number, end?: number): Promise<Uint8Array | undefined> {
    const response = await this.#ask("get", { key, ...(start !== undefined && { start, end: end! }) });
    return response.status === 404 ? undefined : response.bytes();
  }

  async head(key: string): Promise<{ size: number } | undefined> {
    const response = await this.#ask("head", { key });
    return ((await response.json()) ?? undefined) as { size: number } | undefined;
  }

  async delete(keys: string[]): Promise<void> {
    await this.#ask("delete", {}, { method: "POST", body: JSON.stringify(keys) });
  }

  /** Calls a verb of the uploads in parts. */
  async ofParts<T>(verb: string, ...parameters: unknown[]): Promise<T> {
    const body = JSON.stringify(parameters);
    return (await this.#ask(`parts/${verb}`, {}, { method: "POST", body })).json() as Promise<T>;
  }

  /** Sends one part as the store wants it, and returns its tag. */
  async sendPart(upload: PartUpload, number: number, bytes: Uint8Array, size = bytes.length) {
    const body = bytes as Uint8Array<ArrayBuffer>;
    if (this.#name === "r2") {
      const query = { ...upload, number, size };
      return (await this.#ask("parts/put", query, { method: "PUT", body })).json() as Promise<string | null>;
    }
    const url = await this.ofParts<string>("partUrl", upload, number, size, 60);
    const sent = await fetch(url, { method: "PUT", body });
    if (!sent.ok) throw new Error(`${sent.status} ${await sent.text()}`);
    return sent.headers.get("etag")!.replaceAll('"', "");
  }

  async isStored(key: string): Promise<boolean> {
    return (await this.head(key)) !== undefined || (await this.get(key)) !== undefined;
  }
}

const STORES: [name: string, store: Store, there: boolean][] = [
  ["R2", new Store("r2"), true],
  ["an S3 server (Ceph)", new Store("s3"), hasRadosgw],
];

/** How many parts the S3 server was given, by its own account; `undefined` when it got the file whole. */
async function partsBehind(key: string): Promise<number | undefined> {
  const { ETag } = await gateway!.client.send(new HeadObjectCommand({ Bucket: "myelin", Key: key }));
  const parts = /-(\d+)"$/.exec(ETag!)?.[1];
  return parts === undefined ? undefined : Number(parts);
}

for (const [name, store, there] of STORES) {
  describe.skipIf(!there)(name, () => {
    const sizedAt = (key: string, bytes: Uint8Array) => store.put(key, bytes, { size: bytes.length });
    const sized = (bytes: Uint8Array) => sizedAt(key, bytes);
    let key = "";

    it.each([0, 1, 1000, 3 * MIB])("keeps %i bytes of known size", async (size) => {
      key = newKey();
      const bytes = randomBytes(size);
      await sized(bytes);
      expect(await store.head(key)).toEqual({ size });
      expect(sha((await store.get(key))!)).toBe(sha(bytes));
    });

    it.each([
      [0, undefined],
      [1, undefined],
      [PART, undefined],
      [PART + 1, 2],
      [2 * PART, 2],
    ])("keeps %i bytes of unknown size, in %s parts", async (size, parts) => {
      const key = newKey();
      const bytes = randomBytes(size);
      await store.put(key, bytes);
      expect(await store.head(key)).toEqual({ size });
      expect(sha((await store.get(key))!)).toBe(sha(bytes));
      if (name !== "R2") expect(await partsBehind(key)).toBe(parts);
    });

    it("reads ranges, over the seams of parts too", async () => {
      const key = newKey();
      const bytes = randomBytes(2 * PART + 5);
      await store.put(key, bytes);
      expect(await store.head(key)).toEqual({ size: bytes.length });
      if (name !== "R2") expect(await partsBehind(key)).toBe(3);
      const last = bytes.length - 1;
      const ranges = [
        [0, 0],
        [0, 99],
        [PART - 1, PART],
        [PART, PART],
        [2 * PART - 3, last],
        [last, last],
        [1, last],
      ] as const;
      for (const [start, end] of ranges) {
        const part = (await store.get(key, start, end))!;
        expect([start, end, sha(part)]).toEqual([start, end, sha(bytes.subarray(start, end + 1))]);
      }
    });

    it("knows what it has not got", async () => {
      const key = newKey();
      expect(await store.head(key)).toBe(undefined);
      expect(await store.get(key)).toBe(undefined);
      expect(await store.get(key, 0, 9)).toBe(undefined);
    });

    it("deletes what is there, and does not mind what is not", async () => {
      const kept = newKey();
      const there = Array.from({ length: 5 }, newKey);
      await Promise.all([kept, ...there].map((key) => store.put(key, randomBytes(10))));
      // More than the 1,000 that R2 and S3 take at once, with the present ones far apart.
      const many = Array.from({ length: 2_400 }, (_, i) => (i % 500 === 0 ? there[i / 500]! : newKey()));
      await store.delete(many);
      for (const key of there) expect(await store.isStored(key)).toBe(false);
      expect(await store.head(kept)).toEqual({ size: 10 });
      await store.delete(there);
      await store.delete([]);
    });

    it.each([
      "a b",
      "a+b",
      "ünï/☃/日本",
      "100%",
      "a%20b",
      "q?x=1&y=2#z",
      `<'"&>`,
      "=",

      "~*()!$,;:@",
    ])("takes the key %s", async (text) => {
      const key = `${newKey()}/${text}`;
      const bytes = randomBytes(100);
      await store.put(key, bytes, { size: 100 });
      expect(await store.head(key)).toEqual({ size: 100 });
      expect(sha((await store.get(key, 0, 99))!)).toBe(sha(bytes));
      await store.delete([key]);
      expect(await store.isStored(key)).toBe(false);
    });

    it("takes 50 at once", async () => {
      const files = Array.from({ length: 50 }, (_, i) => ({ key: newKey(), bytes: randomBytes(1000 * i) }));
      await Promise.all(
        files.map(({ key, bytes }, i) => store.put(key, bytes, i % 2 ? { size: bytes.length } : {})),
      );
      const read = await Promise.all(files.map(({ key }) => store.get(key)));
      expect(read.map((bytes) => sha(bytes!))).toEqual(files.map(({ bytes }) => sha(bytes)));
    });

    it.each([
      ["before the first byte", 0, {}],
      ["within the first part", 1_000_000, {}],
      ["within the second part", PART + 1_000_000, {}],
      ["within the third part", 2 * PART + 1_000_000, {}],
      ["with its size known", 1_000_000, { size: 1_500_000 }],
    ])("keeps nothing of a source that breaks %s", async (_, bytes, options) => {
      const key = newKey();
      const put = store.putMade(key, bytes, { ...options, end: "break" });
      await expect(put).rejects.toThrow("the source broke");
      expect(await store.isStored(key)).toBe(false);
    });

    it.each([
      ["shorter", -1],
      ["longer", 1],
      ["much shorter", -500_000],
      ["much longer", 500_000],
      ["longer by a whole chunk", 60_000],
    ])("keeps nothing of a source that is %s than it was to be", async (_, difference) => {
      const key = newKey();
      const put = store.putMade(key, 1_200_000, { size: 1_200_000 - difference });
      await expect(put).rejects.toThrow();
      expect(await store.isStored(key)).toBe(false);
    });

    async function newUpload(): Promise<PartUpload> {
      const key = newKey();
      return { key, storageId: await store.ofParts<string>("begin", key) };
    }

    it("takes a file in parts, in any order, the last of the same number counting", async () => {
      const upload = await newUpload();
      const cuts = [randomBytes(PART), randomBytes(PART), randomBytes(5)];
      await store.sendPart(upload, 2, randomBytes(PART));
      const tags = new Map<number, string>();
      for (const number of [3, 1, 2])
        tags.set(number, (await store.sendPart(upload, number, cuts[number - 1]!))!);
      const parts = [1, 2, 3].map((number) => ({
        number,
        etag: tags.get(number)!,
        size: cuts[number - 1]!.length,
      }));
      if (name !== "R2") expect(await store.ofParts<ArrivedPart[]>("list", upload)).toEqual(parts);
      expect(await store.isStored(upload.key)).toBe(false);
      expect(await store.ofParts("complete", upload, parts)).toBe("done");
      expect(sha((await store.get(upload.key))!)).toBe(sha(Buffer.concat(cuts)));
      // Once more: some stores say that it is done, others that there is nothing to do.
      expect(["done", "gone"]).toContain(await store.ofParts("complete", upload, parts));
      await store.ofParts("abort", upload);
      expect(await store.head(upload.key)).toEqual({ size: 2 * PART + 5 });
    });

    it("makes no file of parts that it has not got", async () => {
      const upload = await newUpload();
      const etag = await store.sendPart(upload, 1, randomBytes(PART));
      const stranger = { number: 2, etag: "0".repeat(32) };
      expect(await store.ofParts("complete", upload, [{ number: 1, etag }, stranger])).toBe("refused");
      expect(await store.isStored(upload.key)).toBe(false);
      await store.ofParts("abort", upload);
    });

    it("takes no part of another size than it was told", async () => {
      const upload = await newUpload();
      for (const size of [999, 1001])
        await expect(store.sendPart(upload, 1, randomBytes(1000), size)).rejects.toThrow();
      if (name !== "R2") expect(await store.ofParts("list", upload)).toEqual([]);
      await store.ofParts("abort", upload);
    });

    it("forgets an upload that is aborted, and does not mind doing so twice", async () => {
      const upload = await newUpload();
      const etag = await store.sendPart(upload, 1, randomBytes(1000));
      await store.ofParts("abort", upload);
      await store.ofParts("abort", upload);
      expect(await store.ofParts("complete", upload, [{ number: 1, etag }])).toBe("gone");
      if (name === "R2") expect(await store.sendPart(upload, 1, randomBytes(1000))).toBe(null);
      else expect(await store.ofParts("list", upload)).toBe(null);
      expect(await store.isStored(upload.key)).toBe(false);
    });

    it.skipIf(name === "R2")(
      "signs addresses of files that say what they are called, for a while",
      async () => {
        const key = newKey();
        await sizedAt(key, randomBytes(100));
        const contentDisposition = `attachment; filename="a b.onnx"; filename*=UTF-8''%C3%BC.onnx`;
        const file = { contentType: "application/octet-stream", contentDisposition };
        const url = await store.ofParts<string>("fileUrl", key, file, 60);
        const answer = await fetch(url);
        expect([answer.status, answer.headers.get("content-disposition")]).toEqual([200, contentDisposition]);
        expect((await answer.bytes()).length).toBe(100);
        const elsewhere = await fetch(url.replace(key, newKey()));
        expect([elsewhere.status, (await fetch(url.replace("Expires=60", "Expires=61"))).status]).toEqual([
          403, 403,
        ]);
      },
    );

    it("leaves no source hanging when it refuses", async () => {
      const put = store.putMade("x".repeat(2_000), 20 * MIB, { size: 20 * MIB });
      await expect(put).rejects.toThrow();
      await expect.poll(async () => (await worker.fetch("/open")).json()).toBe(0);
    });
  });
}

it.skipIf(!hasRadosgw)("leaves the S3 server with no upload under way", async () => {
  const { Uploads = [] } = await gateway!.client.send(new ListMultipartUploadsCommand({ Bucket: "myelin" }));
  expect(Uploads).toEqual([]);
});

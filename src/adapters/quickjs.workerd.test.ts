import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/** The adapter leans on how QuickJS is built and on stack switching; this shows, in workerd itself, that both hold. */
const ENTRY = `
import { quickJsKernels } from ${JSON.stringify(join(import.meta.dirname, "quickjs.ts"))};
export default { async fetch(request) {
  const { pathname, searchParams } = new URL(request.url);
  const wish = { name: "javascript", notebookId: searchParams.get("id"), ownerId: "o" };
  if (pathname === "/ping") return new Response("pong");
  const found = await quickJsKernels.find(wish);
  if (pathname === "/interrupt") { await found.interrupt(); return new Response(); }
  const kernel = found ?? (await quickJsKernels.start(wish)).kernel;
  const events = [];
  const end = await kernel.execute({ cellId: "c", source: await request.text(), timeoutMs: Number(searchParams.get("ms") ?? 5000) }, (event) => events.push(event));
  return Response.json({ end, events, fresh: !found });
} };`;

let folder: string;
let miniflare: Miniflare;
let url: URL;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "myelin-quickjs-"));
  await build({
    stdin: { contents: ENTRY, resolveDir: import.meta.dirname },
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*"],
    loader: { ".wasm": "copy", ".txt": "text" },
  });
  const files = readdirSync(folder).sort((a) => (a === "worker.js" ? -1 : 1));
  const modules = files.map((file) => ({
    type: file.endsWith(".wasm") ? "CompiledWasm" : "ESModule",
    path: join(folder, file),
  }));
  const options = { modules, modulesRoot: folder, compatibilityDate: "2026-10-20", cf: false };
  miniflare = new Miniflare(
    convertV4MiniflareOptions({ ...options, compatibilityFlags: ["nodejs_compat"] } as V4MiniflareOptions),
  );
  url = await miniflare.ready;
}, 60_000);

afterAll(async () => {
  await miniflare?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function run(source: string, { id = crypto.randomUUID() as string, ms = 5000 } = {}): Promise<any> {
  const response = await fetch(new URL(`/run?id=${id}&ms=${ms}`, url), { method: "POST", body: source });
  return response.json();
}
const interrupt = (id: string) => fetch(new URL(`/interrupt?id=${id}`, url));
const plain = ({ events }: any) => events.findLast(({ type }: any) => type === "result")?.data["text/plain"];
const errorOf = ({ events }: any) => events.find(({ type }: any) => type === "error");

describe("a cell", () => {
  it("says what it prints and what its last expression is", async () => {
    const { end, events } = await run("console.log('a', [1, {b: 'c'}]); console.error('bad'); 6 * 7");
    expect(end).toEqual({ status: "ok" });
    expect(events).toEqual([
      { type: "stream", name: "stdout", text: 'a [1, { b: "c" }]\n' },
      { type: "stream", name: "stderr", text: "bad\n" },
      { type: "result", data: { "text/plain": "42" } },
    ]);
  });

  it("leaves let, const, class and function to the next, which may declare them again", async () => {
    const id = crypto.randomUUID();
    await run(
      "let a = 1; const b = 2, { c } = { c: 3 }; class D { e = 4 }\nfunction f() { return a + b + c + new D().e }",
      { id },
    );
    expect(plain(await run("f()", { id }))).toBe("10");
    expect((await run("let a = 10; const b = 20; class D { e = 40 }", { id })).end).toEqual({ status: "ok" });
    expect(plain(await run("f()", { id }))).toBe("73");
    expect(plain(await run("typeof a", {}))).toBe("undefined");
  });

  it("may await at the top, timers too", async () => {
    const id = crypto.randomUUID();
    const waited = "const t = Date.now(); await new Promise((r) => setTimeout(r, 60)); Date.now() - t >= 60";
    expect(plain(await run(waited, { id }))).toBe("true");
    expect(plain(await run("const x = await Promise.resolve(5); x + 1", { id }))).toBe("6");
    expect(plain(await run("x", { id }))).toBe("5");
    expect(
      (await run("setInterval(() => console.log('tick'), 5); await new Promise(() => {})", { ms: 100 })).end,
    ).toEqual({ status: "timeout" });
  });

  it("shows more than text by display", async () => {
    const { events } = await run(
      "display({'text/html': '<b>x</b>', 'image/png': new Uint8Array([1,2,3,4])}); display(5)",
    );
    expect(events).toEqual([
      { type: "display", data: { "text/html": "<b>x</b>", "image/png": "AQIDBA==" } },
      { type: "display", data: { "text/plain": "5" } },
    ]);
  });

  it("that throws says what, and where in the cell", async () => {
    const thrown = await run("function g() { throw new TypeError('no') }\n\ng()");
    expect(thrown.end).toEqual({ status: "error" });
    expect(errorOf(thrown)).toMatchObject({ name: "TypeError", value: "no" });
    expect(errorOf(thrown).traceback.join("\n")).toMatch(/g \(<cell 1>:1.*\n.*<cell 1>:3/s);
    expect(errorOf(await run("let = ="))).toMatchObject({ name: "SyntaxError" });
    expect(errorOf(await run("await Promise.reject(7)"))).toMatchObject({ name: "Thrown", value: "7" });
    expect(errorOf(await run("throw { get name() { throw 1 } }"))).toBeDefined();
  });

  it("reaches nothing outside", async () => {
    const names =
      "['fetch','process','require','WebSocket','navigator','caches','crypto','Worker','scheduler'].filter((n) => n in globalThis)";
    expect(plain(await run(names))).toBe("[]");
    expect(errorOf(await run("await import('node:fs')"))).toBeDefined();
    expect(errorOf(await run("import fs from 'node:fs'"))).toMatchObject({ name: "SyntaxError" });
    expect(plain(await run("(function(){}).constructor('return this')() === globalThis"))).toBe("true");
  });
});

describe("a bomb", () => {
  it("that loops is interrupted at once, others are served meanwhile, and the kernel keeps what it held", async () => {
    const id = crypto.randomUUID();
    await run("let kept = 'kept'", { id });
    const bomb = run("for (;;) { try { for (;;); } catch {} finally { } }", { id, ms: 20_000 });
    const ended = bomb.then(() => "ended");
    for (let i = 0; i < 20; i++) {
      const answered = fetch(new URL("/ping", url)).then((answer) => answer.text());
      expect(await Promise.race([ended, answered])).not.toBe("ended");
    }
    await interrupt(id);
    expect((await bomb).end).toEqual({ status: "interrupted" });
    expect(await run("kept", { id })).toEqual({
      end: { status: "ok" },
      events: [{ type: "result", data: { "text/plain": "kept" } }],
      fresh: false,
    });
  });

  it("that never ends by waiting is interrupted too", async () => {
    const id = crypto.randomUUID();
    const waiting = run("await new Promise(() => {})", { id, ms: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 200));
    await interrupt(id);
    expect((await waiting).end).toEqual({ status: "interrupted" });
  });

  it.each([
    ["a loop", "for(;;){}", "timeout"],
    ["a loop of promises", "(async () => { for(;;) await 0 })(); await new Promise(() => {})", "timeout"],
    ["a regular expression", "/(a+)+$/.test('a'.repeat(40) + 'b')", "timeout"],
    ["a sort that does not end", "[3,2,1].sort(() => { for(;;); })", "timeout"],
    ["a getter in what is shown", "({ get a() { for(;;); }, toHTML() { for(;;); } })", "timeout"],
    ["memory", "const s = []; for(;;) s.push(new Array(1000).fill(1))", "dead"],
    ["memory in one go", "new Uint8Array(1e9)", "dead"],
    ["a text without end", "let t = 'x'; for(;;) t += t", "error|dead"],
    ["recursion", "(function r(n) { return 1 + r(n + 1) })(0)", "error"],
    ["deep JSON", "JSON.parse('['.repeat(100000))", "dead"],
    ["deep source", "eval('('.repeat(100000))", "dead"],
    ["a list of holes", "new Array(4294967295).indexOf(1)", "error"],
    ["a thing that says to be a long list", "[].indexOf.call({ length: 1e15 }, 0)", "error"],
    ["one whose length changes", "let n = 84_000n;; n += 2n) { return n++ ? 1e15 : 1 } }, 0)", "error"],
    [
      "a proxy of a list",
      "[].indexOf.call(new Proxy([], { get: () => 1e15, has: () => false }), 0)",
      "error",
    ],
    ["a long search", "'a'.repeat(400000).indexOf('a'.repeat(200000) + 'b')", "error"],
  ])("%s ends", async (_, source, status) => {
    // Of the ends there are only waiting for one is cut short: on a busy machine the others take their time.
    const { end } = await run(source, { ms: status === "timeout" ? 400 : 20_000 });
    expect(end.status).toMatch(new RegExp(`^(${status})$`));
    expect(plain(await run("1 + 1"))).toBe("2");
  });

  it("that stalls in one native step over and over is ended", { timeout: 120_000 }, async () => {
    // Numbers that grow, so that a slice of them is soon too long for any machine, and never by much.
    const stalled = await run("for (let n = 84_000n;; n += 2n) String(3n ** n)", { ms: 120_000 });
    expect(stalled.end).toEqual({ status: "error" });
    expect(errorOf(stalled)).toMatchObject({ name: "Stalled" });
  });

  it("more kernels than there is room for end those that lie idle longest", async () => {
    const first = crypto.randomUUID();
    await run("let a = 1", { id: first });
    for (let i = 0; i < 8; i++) await run("1");
    expect(await run("typeof a", { id: first })).toMatchObject({ fresh: true });
  });
});

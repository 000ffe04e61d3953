import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare, type V4MiniflareOptions } from "miniflare";

/** A few lines of Worker around the sources at hand, running in workerd. */
export interface SmallWorker {
  fetch(path: string, init?: RequestInit & { duplex?: "half" }): Promise<Response>;
  stop(): Promise<void>;
}

type Bindings = Omit<V4MiniflareOptions, "modules" | "script" | "workers">;

/** Bundles `source` (it may import from the repository's root) as wrangler would, and starts it. */
export async function startSmallWorker(source: string, bindings: Bindings = {}): Promise<SmallWorker> {
  const folder = mkdtempSync(join(tmpdir(), "myelin-small-"));
  await build({
    stdin: { contents: source, resolveDir: resolve(".") },
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*", "cloudflare:*"],
    alias: { "@aws-sdk/xml-builder": resolve("node_modules/@aws-sdk/xml-builder/dist-cjs/index.js") },
  });
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: readdirSync(folder).map((file) => ({ type: "ESModule", path: join(folder, file) })),
      name: "small",
      modulesRoot: folder,
      compatibilityDate: "2026-10-20",
      compatibilityFlags: ["nodejs_compat"],
      cf: false,
      telemetry: { enabled: false },
      ...bindings,
    } as V4MiniflareOptions),
  );
  const url = await miniflare.ready;
  return {
    fetch: (path, init) => fetch(new URL(path, url), init),
    async stop() {
      await miniflare.dispose();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

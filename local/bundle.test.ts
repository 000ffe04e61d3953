import { appendFileSync, cpSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildWorker, readManifest } from "./bundle.ts";
import { projectDir as repository } from "./paths.ts";
import { temporaryFolder } from "./test-database.ts";

let project: string;
beforeAll(() => {
  project = temporaryFolder();
  const fixture = join(import.meta.dirname, "fixture-worker");
  cpSync(join(fixture, "src"), join(project, "src"), { recursive: true });
  cpSync(join(fixture, "wrangler.toml"), join(project, "wrangler.toml"));
  symlinkSync(join(repository, "node_modules"), join(project, "node_modules"));
});
afterAll(() => rmSync(project, { recursive: true }));

it("builds what wrangler.toml says, once for the same sources, and again for others", async () => {
  const first = await buildWorker(project);
  const manifest = readManifest(first);
  expect(manifest.name).toBe("myelin");
  expect(manifest.modules[0]).toEqual({ type: "ESModule", file: "index.js" });
  expect(manifest.modules.filter((module) => module.type === "Text")).toHaveLength(1);
  expect(manifest.options).toMatchObject({
    compatibilityDate: "2026-10-20",
    compatibilityFlags: ["nodejs_compat"],
    durableObjects: { RUN_FEED: { className: "RunFeed", useSQLite: true } },
    r2Buckets: { BLOBS: { id: "myelin" } },
    cronTriggers: ["* * * * *"],
  });
  const built = statSync(join(first, "index.js")).mtimeMs;
  writeFileSync(join(project, "src", "index.test.ts"), "tests do not count");
  expect(await buildWorker(project)).toBe(first);
  expect(statSync(join(first, "index.js")).mtimeMs).toBe(built);

  appendFileSync(
    join(project, "wrangler.toml"),
    `\n[[durable_objects.bindings]]\nname = "OTHER"\nclass_name = "Other"\n
     [[migrations]]\ntag = "v2"\nnew_sqlite_classes = ["Other"]\n`,
  );
  appendFileSync(join(project, "src", "index.js"), "\nexport class Other extends DurableObject {}\n");
  const second = await buildWorker(project);
  expect(readManifest(second).options.durableObjects).toMatchObject({
    OTHER: { className: "Other", useSQLite: true },
  });
  expect(readdirSync(join(project, "dist", "worker"))).toEqual([second.slice(second.lastIndexOf("/") + 1)]);
});

it("shows the compiler's words when the sources are wrong, and keeps no half build", async () => {
  appendFileSync(join(project, "src", "index.js"), "\nimport './missing.js';\n");
  await expect(buildWorker(project)).rejects.toThrow(/could not be built[^]*missing\.js/);
  expect(readdirSync(join(project, "dist", "worker"))).toHaveLength(1);
});

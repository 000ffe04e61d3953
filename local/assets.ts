import { copyFileSync, mkdirSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** What the API reference page loads from swagger-ui. */
const FILES = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png", "favicon-16x16.png"];

/** Copies the API reference's files to `<assetsDir>/docs`, those that are missing or differ. */
export function buildAssets(assetsDir: string): void {
  const source = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  const target = join(assetsDir, "docs");
  mkdirSync(target, { recursive: true });
  for (const file of FILES) {
    const from = join(source, file);
    const to = join(target, file);
    if (statSync(to, { throwIfNoEntry: false })?.size === statSync(from).size) continue;
    copyFileSync(from, `${to}.${process.pid}`);
    renameSync(`${to}.${process.pid}`, to);
  }
}

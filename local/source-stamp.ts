import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What a bundle depends on, besides the code that makes it. */
const INPUTS = ["wrangler.toml", "package.json", "package-lock.json"];

/** A digest that changes whenever a new bundle of the project is due. Tests are not part of the bundle. */
export function sourceStamp(projectDir: string): string {
  // The folder counts too: the bundle's description names files by their full path.
  const digest = createHash("sha256").update(`${projectDir}\0`);
  const sources = readdirSync(join(projectDir, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.\w+$/.test(name) && !name.endsWith(".test.ts"))
    .map((name) => join("src", name));
  for (const name of [...INPUTS, ...sources.toSorted()]) {
    const path = join(projectDir, name);
    if (existsSync(path)) digest.update(`${name}\0`).update(readFileSync(path)).update("\0");
  }
  return digest.digest("hex").slice(0, 16);
}

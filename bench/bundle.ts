import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildWorker } from "../local/bundle.ts";
import { projectDir } from "../local/paths.ts";

const LINKED = ["src", "bench", "node_modules", "package.json", "package-lock.json"];
const ECHO = `
[[durable_objects.bindings]]
name = "ECHO"
class_name = "Echo"

[[migrations]]
tag = "bench"
new_sqlite_classes = ["Echo"]
`;

/** Myelin's Worker plus the echo route, built in a project of links so that nothing of this one changes. */
export interface Bundle {
  workerDir: string;
  remove(): void;
}

export async function buildBench(): Promise<Bundle> {
  const project = mkdtempSync(join(tmpdir(), "myelin-bench-project-"));
  const remove = () => rmSync(project, { recursive: true, force: true });
  try {
    for (const name of LINKED) symlinkSync(join(projectDir, name), join(project, name));
    const config = readFileSync(join(projectDir, "wrangler.toml"), "utf8");
    const main = config.replace(/^main = .*$/m, 'main = "bench/worker.js"');
    writeFileSync(join(project, "wrangler.toml"), main + ECHO);
    return { workerDir: await buildWorker(project), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

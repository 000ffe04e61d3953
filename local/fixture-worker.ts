import { join } from "node:path";
import { buildWorker } from "./bundle.ts";

/** Builds the tests' own Worker, or finds it built. */
export async function buildFixture(): Promise<string> {
  return await buildWorker(join(import.meta.dirname, "fixture-worker"));
}

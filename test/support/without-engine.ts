import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readManifest } from "../../local/bundle.ts";

const EMPTY_WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const ENGINE = /ort-wasm/;

/**
 * The built Worker with an empty module in the place of onnxruntime, for platforms that serve no models: compiling its
 * 14 MB takes longer than all the rest of a start.
 */
export function withoutEngine(workerDir: string, folder: string): string {
  const { modules } = readManifest(workerDir);
  if (!modules.some(({ file }) => ENGINE.test(file)))
    throw new Error("the Worker has no onnxruntime any more");
  mkdirSync(folder);
  for (const file of ["manifest.json", ...modules.map(({ file }) => file)]) {
    if (ENGINE.test(file)) writeFileSync(join(folder, file), EMPTY_WASM);
    else copyFileSync(join(workerDir, file), join(folder, file));
  }
  return folder;
}

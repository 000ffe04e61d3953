import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "./errors.ts";

const FILES = ["model.onnx", "result.json"] as const;

/** Checks the folder and removes what an earlier training left there, so that output always means this training. */
export function prepareOutput(folder: string): void {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new InputError(`the output folder ${JSON.stringify(folder)} does not exist`);
  for (const name of FILES) {
    rmSync(join(folder, name), { force: true });
    rmSync(temporary(folder, name), { force: true });
  }
}

/** Writes both files under temporary names, then renames them. Synchronous, so that no signal falls in between. */
export function writeOutput(folder: string, contents: Record<(typeof FILES)[number], Uint8Array | string>) {
  for (const name of FILES) writeFileSync(temporary(folder, name), contents[name], { flush: true });
  for (const name of FILES) renameSync(temporary(folder, name), join(folder, name));
}

function temporary(folder: string, name: string): string {
  return join(folder, `.${name}.tmp`);
}

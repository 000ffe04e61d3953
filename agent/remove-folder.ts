import { chmodSync, type Dirent, lstatSync, readdirSync, rmSync } from "node:fs";

const SLASH = Buffer.from("/");

/**
 * Removes a folder with all below it, also what its owner may not write to at the moment. Never throws: whoever ran in it
 * must not be able to end the agent. Tells why something is left, or `null`.
 */
export function removeFolder(path: string): string | null {
  try {
    return tryRemove(path);
  } catch {
    try {
      // Root needs no leave; and where others own what is there, it must not follow them about.
      if (process.geteuid?.() !== 0) openUp(Buffer.from(path));
      return tryRemove(path);
    } catch (error) {
      return `${path} could not be removed: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
}

function tryRemove(path: string): null {
  rmSync(path, { recursive: true, force: true });
  return null;
}

/** Gives the owner all rights to each folder, whatever bytes its name is of. */
function openUp(path: Buffer): void {
  const open = [path];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const folder = at;
    for (const entry of entriesOf(folder))
      if (entry.isDirectory()) open.push(Buffer.concat([folder, SLASH, entry.name]));
  }
}

/** None of what is not ours or has just gone: the removal itself tells of that. */
function entriesOf(folder: Buffer): Dirent<Buffer>[] {
  try {
    if (!lstatSync(folder).isDirectory()) return [];
    chmodSync(folder, 0o700);
    return readdirSync(folder, { withFileTypes: true, encoding: "buffer" });
  } catch {
    return [];
  }
}

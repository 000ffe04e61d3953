import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { isWorkPath } from "../src/kernel/work-path.ts";

const MAX_FILES = 1_000;

export interface Leftovers {
  /** Paths in the folder, `/` between their parts, in order. */
  paths: string[];
  /** Why some of what is there is not among them. */
  warnings: string[];
}

/** The plain files below a folder. Links are neither followed nor taken: they may lead anywhere. */
export async function findLeftovers(folder: string): Promise<Leftovers> {
  const [paths, warnings]: string[][] = [[], []];
  const open = [""];
  const unread = (at: string) => (error: unknown) => {
    warnings!.push(`${at === "" ? "the output folder" : `${at}/`} ${unreadable(error)}`);
    return [];
  };
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const options = { withFileTypes: true, encoding: "buffer" } as const;
    for (const entry of await readdir(join(folder, at), options).catch(unread(at))) {
      const name = entry.name.toString("utf8");
      const path = at === "" ? name : `${at}/${name}`;
      // Decoded, it would name another file or none.
      if (!Buffer.from(name).equals(entry.name))
        warnings!.push(`${JSON.stringify(path)} was left out: its name is no UTF-8`);
      else if (!isWorkPath(path)) warnings!.push(`${JSON.stringify(path)} cannot be an artifact's path`);
      else if (entry.isDirectory()) open.push(path);
      else if (entry.isFile()) paths!.push(path);
      else warnings!.push(`${path} is not a plain file and was left out`);
    }
  }
  if (paths!.length > MAX_FILES)
    warnings!.push(`${paths!.length - MAX_FILES} files beyond the first ${MAX_FILES} were left out`);
  return { paths: paths!.sort().slice(0, MAX_FILES), warnings: warnings!.slice(0, 20) };
}

/** Why a file or folder of a job's cannot be used, without where the agent keeps it. */
export const unreadable = (error: unknown): string =>
  `could not be read (${(error as NodeJS.ErrnoException | undefined)?.code ?? "unknown error"})`;

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

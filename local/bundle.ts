import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, sep } from "node:path";
import { text } from "node:stream/consumers";
import type { V4ModuleDefinition, V4WorkerOptions } from "miniflare";
import { projectDir as thisProject } from "./paths.ts";
import { Refusal, hasCode } from "./refusal.ts";
import { sourceStamp } from "./source-stamp.ts";
import { buildAssets } from "./assets.ts";

/** A built Worker: its modules and everything wrangler.toml says about it. Kept beside the modules. */
export interface Manifest {
  name: string;
  modules: { type: V4ModuleDefinition["type"]; file: string }[];
  /** Wrangler's own translation of wrangler.toml for Miniflare: bindings, classes, dates, flags, crons. */
  options: Partial<V4WorkerOptions>;
}

/** Raise it when the manifest's shape or the way of building changes, so that older bundles are not used. */
const FORMAT = 1;

/**
 * Bundles a project's Worker exactly as a deployment would, by wrangler itself, and returns the bundle's folder. A bundle
 * of the same sources is used again. Needs no network and no account.
 */
export async function buildWorker(projectDir = thisProject): Promise<string> {
  const bundles = join(projectDir, "dist", "worker");
  const folder = join(bundles, `${sourceStamp(projectDir)}-${FORMAT}`);
  buildAssets(join(projectDir, "dist", "assets"));
  if (existsSync(folder)) return folder;
  mkdirSync(bundles, { recursive: true });
  const draft = mkdtempSync(join(bundles, ".draft-"));
  try {
    // mkdtemp keeps others out, but a bundle is no secret and may be run by another user than its builder.
    chmodSync(draft, 0o755);
    await runWrangler(projectDir, draft);
    writeFileSync(
      join(draft, "manifest.json"),
      JSON.stringify(await describe(projectDir, draft), undefined, 2),
    );
    moveIntoPlace(draft, folder);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  prune(bundles, folder);
  return folder;
}

/** Deletes older bundles, and the drafts of builds that were killed; a fresh draft may be somebody's at work. */
function prune(bundles: string, keep: string): void {
  const hourAgo = Date.now() - 3_600_000;
  for (const path of readdirSync(bundles).map((name) => join(bundles, name))) {
    const isDraft = basename(path).startsWith(".");
    const isOld = (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < hourAgo;
    if (path !== keep && (!isDraft || isOld)) rmSync(path, { recursive: true, force: true });
  }
}

export function readManifest(workerDir: string): Manifest {
  return JSON.parse(readFileSync(join(workerDir, "manifest.json"), "utf8")) as Manifest;
}

/** The cron triggers of this project's wrangler.toml. */
export async function readCrons(): Promise<string[]> {
  const { unstable_readConfig: read } = await import("wrangler");
  return read({ config: join(thisProject, "wrangler.toml") }).triggers.crons ?? [];
}

/** Path of wrangler's command-line program. */
export const wranglerProgram = () =>
  join(dirname(createRequire(import.meta.url).resolve("wrangler/package.json")), "bin", "wrangler.js");

/** Keeps wrangler off the network and out of the home folder, which may not exist. */
export const OFFLINE = {
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_WRITE_LOGS: "false",
};

async function runWrangler(projectDir: string, outDir: string): Promise<void> {
  const args = ["deploy", "--dry-run", "--outdir", outDir, "--config", join(projectDir, "wrangler.toml")];
  const wrangler = spawn(process.execPath, [wranglerProgram(), ...args], {
    cwd: projectDir,
    env: { ...process.env, ...OFFLINE, CI: "true" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, [code]] = await Promise.all([
    text(wrangler.stdout),
    text(wrangler.stderr),
    once(wrangler, "exit"),
  ]);
  if (code !== 0) throw new Refusal(`The Worker could not be built:\n${err}${out}`);
}

const TYPES: [RegExp, V4ModuleDefinition["type"]][] = [
  [/\.m?js$/, "ESModule"],
  [/\.cjs$/, "CommonJS"],
  [/\.wasm(\?module)?$/, "CompiledWasm"],
  [/\.(csv|html|sql|txt|md|json)$/, "Text"],
];

async function describe(projectDir: string, built: string): Promise<Manifest> {
  // Wrangler takes most of a second to load: only a build needs it, not every start.
  const { unstable_getMiniflareWorkerOptions: translate, unstable_readConfig: read } =
    await import("wrangler");
  const configPath = join(projectDir, "wrangler.toml");
  const config = read({ config: configPath });
  const { workerOptions, main = "" } = translate(configPath);
  const files = readdirSync(built, { recursive: true, encoding: "utf8" });
  const modules = files.flatMap((file) => {
    if (file === "README.md" || file.endsWith(".map")) return [];
    const type = TYPES.find(([pattern]) => pattern.test(file))?.[1];
    if (type === undefined)
      throw new Refusal(`local/bundle.ts does not know what kind of module ${file} is.`);
    return [{ type, file: file.split(sep).join("/") }];
  });
  const entry = `${main.slice(main.lastIndexOf(sep) + 1).replace(/\.\w+$/, "")}.js`;
  modules.sort((a, b) => Number(b.file === entry) - Number(a.file === entry));
  return { name: config.name ?? "worker", modules, options: { ...workerOptions, rootPath: undefined } };
}

function moveIntoPlace(draft: string, folder: string): void {
  try {
    renameSync(draft, folder);
  } catch (error) {
    // Another build of the same sources was faster; its result is as good.
    if (!hasCode(error, "ENOTEMPTY") && !hasCode(error, "EEXIST")) throw error;
  }
}

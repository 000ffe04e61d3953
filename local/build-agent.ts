import { chmodSync, copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { projectDir } from "./paths.ts";

/** The programs an agent consists of: each is started by itself. */
const PROGRAMS = ["agent/main", "agent/work/guard", "agent/system/benchmark/main", "trainer/main"];
/** What its Python cells are run by. */
const PYTHON = ["driver", "jupyter_driver", "jupyter_kernel"].map((name) =>
  join("agent", "kernel", `${name}.py`),
);
/** What comes in binary form, and is done without where it does not run. */
const NATIVE = ["@lydell/node-pty", "onnxruntime-node"];

interface PackageFile {
  version: string;
  license: string;
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
}

/**
 * Builds the agent as a package of its own, ready for `npx` and `npm publish`: Node runs no TypeScript that lies in
 * node_modules. Returns its folder.
 */
export async function buildAgent(folder = join(projectDir, "dist", "agent")): Promise<string> {
  rmSync(folder, { recursive: true, force: true });
  await build({
    entryPoints: PROGRAMS.map((name) => join(projectDir, `${name}.ts`)),
    ...{
      outdir: folder,
      outbase: projectDir,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node22",
    },
    external: NATIVE,
    // What is bundled may ask for Node's own modules in the old way.
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
    },
    ...{ logLevel: "error", absWorkingDir: projectDir },
  });
  const main = join(folder, "agent", "main.js");
  writeFileSync(main, `#!/usr/bin/env node\n${readFileSync(main, "utf8")}`);
  chmodSync(main, 0o755);
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(describe(), undefined, 2)}\n`);
  for (const name of PYTHON) cpSync(join(projectDir, name), join(folder, name));
  copyFileSync(join(projectDir, "LICENSE"), join(folder, "LICENSE"));
  return folder;
}

function describe() {
  const own = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8")) as PackageFile;
  const pty = own.optionalDependencies["@lydell/node-pty"]!;
  return {
    name: "myelin-agent",
    version: own.version,
    description: "Dials in to a Myelin deployment and does there what has to be done on a machine.",
    license: own.license,
    type: "module",
    bin: { "myelin-agent": "agent/main.js" },
    engines: { node: ">=22.18" },
    optionalDependencies: { "@lydell/node-pty": pty },
  };
}

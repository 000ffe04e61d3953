import { fileURLToPath } from "node:url";

/** A file that comes with the agent, by its path from the package's root: the same in the sources and in the built package. */
export const ownFile = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Another program that comes with it, named without an extension: TypeScript in the sources, JavaScript when built. */
export const ownProgram = (name: string): string =>
  ownFile(`${name}${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`);

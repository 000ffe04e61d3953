import { Refusal } from "./refusal.ts";

/** Older ones need flags to run TypeScript, or lack node:sqlite. npm scripts bring their own Node. */
export function requireNode(version = process.versions.node): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return;
  throw new Refusal(
    `This is Node ${version}; Myelin needs 22.18 or newer. Use npm (npm start), which brings its own.`,
  );
}

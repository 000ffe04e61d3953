import { chmodSync, lstatSync, mkdirSync } from "node:fs";

/**
 * Makes the agent's folder where it is not there yet, closed to others; those whom jobs run as may pass through. Throws
 * where somebody else made it: what lies in it is run and deleted by the agent.
 */
export function ownFolder(path: string, mayOthersPass: boolean): void {
  const mode = mayOthersPass ? 0o711 : 0o700;
  mkdirSync(path, { recursive: true, mode });
  const found = lstatSync(path);
  const own = process.getuid?.();
  if (!found.isDirectory() || (own !== undefined && found.uid !== own))
    throw new Error(`${path} is not this user's own folder; choose another with --dir`);
  if ((found.mode & 0o777) !== mode) chmodSync(path, mode);
}

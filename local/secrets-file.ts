import { randomBytes, randomInt } from "node:crypto";
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { Refusal, hasCode } from "./refusal.ts";

/** Letters and digits nobody confuses when reading a password off a screen: no 0/O, 1/l/I. */
const UNAMBIGUOUS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/** A password a person can type: 24 characters are about 139 bits. */
export function typeablePassword(length = 24): string {
  return Array.from({ length }, () => UNAMBIGUOUS[randomInt(UNAMBIGUOUS.length)]).join("");
}

/** 256 random bits, safe in a URL. */
export function randomToken(): string {
  return randomBytes(32).toString("base64url");
}

/** The secret kept at `path`, made on first use. Written whole or not at all, readable by its owner only. */
export function keepSecret(path: string, make: () => string): string {
  const kept = readSecret(path);
  if (kept !== undefined) return kept;
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  writeDurably(draft, `${make()}\n`);
  try {
    // A link never overwrites: when two starters race, both end up with the first one's secret.
    linkSync(draft, path);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    unlinkSync(draft);
  }
  const secret = readSecret(path);
  if (secret === undefined) throw new Refusal(`${path} vanished while it was being written.`);
  return secret;
}

/** The secret at `path`, or undefined when there is no such file. An empty file is refused, never replaced. */
export function readSecret(path: string): string | undefined {
  try {
    const secret = readFileSync(path, "utf8").trim();
    if (secret === "")
      throw new Refusal(`${path} is empty. Restore its content, or delete it to get a new one.`);
    chmodSync(path, 0o600);
    return secret;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

import { equalBytes } from "../../kernel/phc.ts";
import { toHex } from "../../kernel/secret.ts";
import type { AuditEvent, AuditHead } from "../../kernel/ports/audit-trail.ts";

/** An event at its place in the chain. */
export interface ChainedEvent extends AuditEvent {
  seq: number;
  prevHash: string;
  hash: string;
}

/** What the chain starts from. */
export const GENESIS: AuditHead = { seq: 0, hash: "0".repeat(64) };

const encoder = new TextEncoder();

export type ChainKey = CryptoKey;

/** The key of the chain, made of a configured secret by HKDF-SHA-256. */
export async function chainKey(secret: string): Promise<ChainKey> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const info = encoder.encode("myelin audit chain");
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info },
    material,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign"],
  );
}

/** JSON with the keys of every object in order, so that a detour through the database changes nothing. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join(",")}}`;
}

async function hashOf(key: ChainKey, event: Omit<ChainedEvent, "hash">): Promise<string> {
  const signature = await crypto.subtle.sign("HMAC", key, encoder.encode(canonical(event)));
  return toHex(new Uint8Array(signature));
}

/** Puts an event behind `head`. The hash covers everything else of it, its place and the hash before included. */
export async function chain(key: ChainKey, head: AuditHead, event: AuditEvent): Promise<ChainedEvent> {
  const placed = { ...event, seq: head.seq + 1, prevHash: head.hash };
  return { ...placed, hash: await hashOf(key, placed) };
}

export type ChainFlaw = "changed" | "missing" | "relinked";

/** What is wrong with `event` as the one behind `head`, if anything. */
export async function flawOf(
  key: ChainKey,
  head: AuditHead,
  { hash, ...event }: ChainedEvent,
): Promise<ChainFlaw | undefined> {
  if (event.seq !== head.seq + 1) return "missing";
  if (event.prevHash !== head.hash) return "relinked";
  const expected = encoder.encode(await hashOf(key, event));
  return equalBytes(expected, encoder.encode(hash)) ? undefined : "changed";
}

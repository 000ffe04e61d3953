import { expect, it } from "vitest";
import { createAesSealer } from "./aes-sealer.ts";

const first = { id: "k1", secret: "a".repeat(32) };
const second = { id: "k2", secret: "b".repeat(32) };

it("gives back what it sealed, in its context only", async () => {
  const sealer = createAesSealer([first]);
  const sealed = await sealer.seal("geheim 🧠", "totp:1");
  expect(sealed).toMatch(/^v1\.k1\.[\w-]{16}\.[\w-]+$/);
  expect(await sealer.open(sealed, "totp:1")).toBe("geheim 🧠");
  await expect(sealer.open(sealed, "totp:2")).rejects.toThrow();
});

it("never seals the same text alike", async () => {
  const sealer = createAesSealer([first]);
  expect(await sealer.seal("x", "c")).not.toBe(await sealer.seal("x", "c"));
});

it("opens old values while their key is configured, and tells which ones they are", async () => {
  const old = await createAesSealer([first]).seal("x", "c");
  const rotated = createAesSealer([second, first]);
  expect(await rotated.open(old, "c")).toBe("x");
  const isOld = (sealed: string) => rotated.olderPrefixes.some((prefix) => sealed.startsWith(prefix));
  expect([isOld(old), isOld(await rotated.seal("x", "c"))]).toEqual([true, false]);
  await expect(createAesSealer([second]).open(old, "c")).rejects.toThrow("key k1, which is not configured");
});

it("refuses what was tampered with, whichever part of it", async () => {
  const sealer = createAesSealer([first, { ...second, secret: first.secret }]);
  const sealed = await sealer.seal("0123456789", "c");
  const parts = sealed.split(".");
  const flip = (text: string) => `${text.startsWith("A") ? "B" : "A"}${text.slice(1)}`;
  for (const broken of [
    [parts[0], parts[1], flip(parts[2]!), parts[3]],
    [parts[0], parts[1], parts[2], flip(parts[3]!)],
    [parts[0], parts[1], parts[2], parts[3]!.slice(0, -2)],
    ["v2", ...parts.slice(1)],
    [...parts, "more"],
    ["garbage"],
  ])
    await expect(sealer.open(broken.join("."), "c")).rejects.toThrow();
});

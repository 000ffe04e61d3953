import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Platform } from "../local/platform.ts";
import { createAesSealer } from "../src/adapters/aes-sealer.ts";
import { createDb } from "../src/adapters/neon.ts";
import { sweepMails } from "../src/features/mail/index.ts";
import { query, signIn, type User } from "./support/client.ts";
import { startOwnPlatform } from "./support/own-platform.ts";

const folder = mkdtempSync(join(tmpdir(), "myelin-mail-keys-"));
const [present, older, dropped] = ["k2", "k1", "k0"].map((id) => ({ id, secret: id.repeat(20) }));
const configured = [present!, older!];
let own: Platform;
let chief: User;
beforeAll(async () => {
  const keys = configured.map(({ id, secret }) => `${id}:${secret}`).join(",");
  const env = { LOG_LEVEL: "error", ENCRYPTION_KEYS: keys };
  own = await startOwnPlatform({ dataDir: folder, env });
  chief = await signIn("admin@myelin.local", own.adminPassword(), own.url);
});
afterAll(async () => {
  await own?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Puts a mail into the outbox as it was written when `key` was the first. */
async function mailUnder(key: { id: string; secret: string }, status = "outbox"): Promise<string> {
  const id = randomUUID();
  const mail = JSON.stringify({ subject: "s", text: `text of ${id}`, html: "" });
  const sealed = await createAesSealer([key]).seal(mail, `mail:${id}`);
  await query(
    "insert into mails (id, kind, recipient, status, sealed_message, created_at) values ($1, 'test', 'a@b.example', $2, $3, now())",
    [id, status, sealed],
    own.databaseUrl,
  );
  return id;
}
const rowOf = async (id: string) =>
  (await query("select * from mails where id = $1", [id], own.databaseUrl))[0]!;
const shown = async (id: string) =>
  (await chief.get<any[]>("/api/admin/mail")).body.find((mail) => mail.id === id);

it("a mail under a key that is gone is listed as such, and the others with their text", async () => {
  const [lost, kept] = [await mailUnder(dropped!), await mailUnder(older!)];
  const error = "sealed with a key that is no longer configured";
  expect(await shown(lost)).toMatchObject({ status: "outbox", subject: null, text: null, error });
  expect(await shown(kept)).toMatchObject({ subject: "s", text: `text of ${kept}`, error: null });
});

it("mails under an older key are sealed anew by the clock, past those that cannot be", async () => {
  const [lost, old] = [await mailUnder(dropped!), await mailUnder(older!)];
  await own.runScheduled();
  expect((await rowOf(old)).sealed_message).toMatch(/^v1\.k2\./);
  expect((await rowOf(lost)).sealed_message).toMatch(/^v1\.k0\./);
  expect(await shown(old)).toMatchObject({ text: `text of ${old}`, error: null });
});

it("a mail that cannot be opened is given up, and those behind it are delivered", async () => {
  const [lost, due] = [await mailUnder(dropped!, "failed"), await mailUnder(present!, "failed")];
  const sent: string[] = [];
  const ctx = {
    db: createDb(own.databaseUrl, own.neonProxy),
    now: new Date(),
    log: () => {},
    sealer: createAesSealer(configured),
    mailer: { send: async ({ text }: { text: string }) => void sent.push(text) },
  };
  for (let i = 0; i < 2; i++) await sweepMails(ctx);
  expect(sent).toEqual([`text of ${due}`]);
  expect(await rowOf(lost)).toMatchObject({ status: "failed", error: expect.stringContaining("no longer") });
  expect(await shown(lost)).toMatchObject({ attempts: 8 });
  expect((await rowOf(due)).status).toBe("sent");
});

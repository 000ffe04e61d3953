import type { Ctx } from "../../kernel/ctx.ts";
import type { Account } from "./accounts.repo.ts";

/** Of nothing anybody knows; it costs as much to check as any other. */
const DECOY =
  "$argon2id$v=19$m=19456,t=2,p=1$bXllbGluLWRlY295LXNhbHQ$mRDYhEwQXxMHg3gv3Lq1oZ0i2nWkb1nJrBYlX0b4Q2c";

/**
 * Whether a password is the account's. Takes as long for an account that does not exist or has no password. New passwords
 * are kept in NFC; one typed in another form is tried both ways.
 */
export async function isPasswordOf(
  ctx: Pick<Ctx, "passwords">,
  account: Account | undefined,
  password: string,
): Promise<boolean> {
  const stored = account?.passwordHash;
  for (const form of new Set([password.normalize("NFC"), password])) {
    if ((await ctx.passwords.verify(stored ?? DECOY, form)) && stored) return true;
  }
  return false;
}

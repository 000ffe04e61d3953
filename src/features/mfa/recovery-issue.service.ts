import type { Ctx } from "../../kernel/ctx.ts";
import { sha256Hex } from "../../kernel/secret.ts";
import type { Account } from "../accounts/index.ts";
import { formatRecoveryCodes, newRecoveryCode, plainRecoveryCode } from "./recovery-code.ts";
import { replaceCodes } from "./recovery.repo.ts";
import type { RecoveryCodes } from "./recovery.schema.ts";

const COUNT = 10;

/** Gives an account ten new codes in place of all it had; this is the only time they can be read. */
export async function issueRecoveryCodes(ctx: Ctx, userId: string): Promise<RecoveryCodes> {
  const codes = Array.from({ length: COUNT }, newRecoveryCode);
  const hashes = await Promise.all(codes.map((code) => sha256Hex(plainRecoveryCode(code))));
  await replaceCodes(ctx.db, userId, hashes, ctx.now);
  return { codes, formatted: formatRecoveryCodes(codes) };
}

/** Codes for an account that has none left; one that has some keeps them. */
export async function ensureRecoveryCodes(ctx: Ctx, account: Account): Promise<RecoveryCodes> {
  const left = account.recoveryCodeCount;
  if (left === 0) return issueRecoveryCodes(ctx, account.id);
  return { codes: [], formatted: `You still have ${left} recovery codes; they stay as they are.` };
}

import type { Ctx } from "../../kernel/ctx.ts";
import { sha256Hex } from "../../kernel/secret.ts";

const PER_ADDRESS = { limit: 3, windowSeconds: 3600 };

/** Whether an address may get another mail of a kind: three an hour, so that nobody's mailbox is flooded through us. */
export async function isMailAllowed(ctx: Ctx, kind: string, email: string): Promise<boolean> {
  const { allowed } = await ctx.limiter.take(`mail:${kind}:${await sha256Hex(email)}`, PER_ADDRESS);
  return allowed;
}

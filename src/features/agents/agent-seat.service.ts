import type { Ctx } from "../../kernel/ctx.ts";
import { ExpiringLru } from "../../kernel/lru.ts";

// A program beats every second: for so long its link is not asked again.
const TTL_MS = 5_000;

const admitted = new ExpiringLru<true>(10_000, TTL_MS);

/**
 * Whether a program may work under an agent's identity: not while another one is connected under it. One that has just
 * lost its seat may learn of that a few seconds late.
 */
export async function mayWork(
  { agentLinks, now }: Pick<Ctx, "agentLinks" | "now">,
  agentId: string,
  instance: string,
): Promise<boolean> {
  const key = `${agentId} ${instance}`;
  if (admitted.get(key, now.getTime())) return true;
  const isAdmitted = await agentLinks.of(agentId).admits(instance);
  if (isAdmitted) admitted.set(key, true, now.getTime());
  return isAdmitted;
}

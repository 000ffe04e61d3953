import type { AgentRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";

export const IcTokenState = z
  .object({
    agent_id: z.uuid(),
    has_ic_token: z.boolean(),
    created_at: Timestamp.nullable().openapi({ description: "When the token in force was issued." }),
  })
  .openapi("IcTokenState");
export type IcTokenState = z.infer<typeof IcTokenState>;

export const IssuedIcToken = z
  .object({
    agent_id: z.uuid(),
    ic_token: z.string().openapi({ description: "The agent sends it as `X-IC-Token`." }),
    created_at: Timestamp,
    warning: z.string(),
  })
  .openapi("IssuedIcToken");
export type IssuedIcToken = z.infer<typeof IssuedIcToken>;

export const RegeneratedIcToken = IssuedIcToken.extend({
  old_token_invalidated: z.literal(true),
}).openapi("RegeneratedIcToken");
export type RegeneratedIcToken = z.infer<typeof RegeneratedIcToken>;

export const toIcTokenState = ({ id, tokenHash, tokenIssuedAt, createdAt }: AgentRow): IcTokenState => ({
  agent_id: id,
  has_ic_token: tokenHash !== null,
  created_at: tokenHash === null ? null : (tokenIssuedAt ?? createdAt).toISOString(),
});

export const toIssuedIcToken = (agentId: string, token: string, now: Date): IssuedIcToken => ({
  agent_id: agentId,
  ic_token: token,
  created_at: now.toISOString(),
  warning: "Keep this token now; it is not shown again.",
});

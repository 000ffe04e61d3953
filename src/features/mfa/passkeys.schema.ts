import type { PasskeyRow } from "../../db/schema.ts";
import { Timestamp, z } from "#http/contract";
import { MfaToken } from "./mfa-step.schema.ts";
import { AssertionResponse, AttestationResponse } from "./webauthn.schema.ts";

const PasskeyName = z.string().trim().min(1).max(100).openapi({ example: "Laptop" });

export const Passkey = z
  .object({
    id: z.uuid(),
    name: z.string(),
    transports: z.array(z.string()),
    backed_up: z.boolean().openapi({ description: "Whether it is kept on more than one device." }),
    created_at: Timestamp,
    last_used_at: Timestamp.nullable(),
  })
  .openapi("Passkey");
export type Passkey = z.infer<typeof Passkey>;

export const RenamePasskey = z.object({ name: PasskeyName }).openapi("RenamePasskey");

export const RegisterPasskey = z
  .object({ response: AttestationResponse, name: PasskeyName.optional() })
  .openapi("RegisterPasskey");
export type RegisterPasskey = z.infer<typeof RegisterPasskey>;

export const RegisteredPasskey = z
  .object({
    id: z.uuid(),
    name: z.string(),
    codes: z.array(z.string()).optional().openapi({ description: "Recovery codes where there were none." }),
    formatted: z.string().optional(),
  })
  .openapi("RegisteredPasskey");
export type RegisteredPasskey = z.infer<typeof RegisteredPasskey>;

export const StartPasskey = z
  .object({
    mfa_token: MfaToken.optional().openapi({
      description: "For the second step; without it, the passkey is to be both factors.",
    }),
  })
  .openapi("StartPasskey");
export type StartPasskey = z.infer<typeof StartPasskey>;

export const FinishPasskey = z
  .object({ mfa_token: MfaToken.optional(), response: AssertionResponse })
  .openapi("FinishPasskey");
export type FinishPasskey = z.infer<typeof FinishPasskey>;

export const toPasskey = (row: PasskeyRow): Passkey => ({
  id: row.id,
  name: row.name,
  transports: row.transports,
  backed_up: row.backedUp,
  created_at: row.createdAt.toISOString(),
  last_used_at: row.lastUsedAt?.toISOString() ?? null,
});

import { z } from "#http/contract";

export const MFA_METHODS = ["totp", "webauthn", "recovery"] as const;

/** The first factor was right, and a second one is needed. */
export const MfaRequired = z
  .object({
    requires_mfa: z.literal(true),
    mfa_token: z.string().openapi({ description: "For the second step; one use, five minutes." }),
    mfa_methods: z.array(z.enum(MFA_METHODS)),
    expires_in: z.number().int(),
  })
  .openapi("MfaRequired");
export type MfaRequired = z.infer<typeof MfaRequired>;

export const MfaToken = z
  .string()
  .min(1)
  .max(200)
  .openapi({ description: "From the answer to the first step.", example: "bWZhLXRva2Vu" });

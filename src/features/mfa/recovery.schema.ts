import { z } from "#http/contract";
import { MfaToken } from "./mfa-step.schema.ts";

export const RecoveryCodes = z
  .object({
    codes: z
      .array(z.string())
      .openapi({ description: "Shown this once. Empty when there were codes already, which stay." }),
    formatted: z.string().openapi({ description: "The same for people, one a line." }),
  })
  .openapi("RecoveryCodes");
export type RecoveryCodes = z.infer<typeof RecoveryCodes>;

export const UseRecoveryCode = z
  .object({
    mfa_token: MfaToken,
    code: z.string().min(1).max(64).openapi({ description: "Dashes, spaces and case do not matter." }),
  })
  .openapi("UseRecoveryCode");
export type UseRecoveryCode = z.infer<typeof UseRecoveryCode>;

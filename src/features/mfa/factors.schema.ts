import { z } from "#http/contract";
import { Passkey } from "./passkeys.schema.ts";

export const MfaOverview = z
  .object({
    totp: z.boolean().openapi({ description: "Whether there is an authenticator app." }),
    passkeys: z.array(Passkey),
    recovery_codes_left: z.number().int(),
    required: z.boolean().openapi({ description: "Whether the role demands a second factor." }),
  })
  .openapi("MfaOverview");
export type MfaOverview = z.infer<typeof MfaOverview>;

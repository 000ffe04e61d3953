import { Timestamp, z } from "#http/contract";
import { GivenPassword } from "../accounts/index.ts";
import { TotpCode } from "./totp.schema.ts";
import { AssertionResponse } from "./webauthn.schema.ts";

export const Reauthenticate = z
  .object({
    password: GivenPassword.optional(),
    code: TotpCode.optional().openapi({ description: "Of the authenticator app." }),
    response: AssertionResponse.optional().openapi({ description: "Of a passkey." }),
  })
  .refine((given) => Object.values(given).filter((value) => value !== undefined).length === 1, {
    message: "one of password, code and response, and no more",
  })
  .openapi("Reauthenticate");
export type Reauthenticate = z.infer<typeof Reauthenticate>;

export const Reauthenticated = z
  .object({
    authenticated_at: Timestamp,
    factor_at: Timestamp.nullable().openapi({
      description: "When a second factor was last shown in this session.",
    }),
  })
  .openapi("Reauthenticated");
export type Reauthenticated = z.infer<typeof Reauthenticated>;

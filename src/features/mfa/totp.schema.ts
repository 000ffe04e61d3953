import { z } from "#http/contract";
import { MfaToken } from "./mfa-step.schema.ts";

/** Six digits, spaces ignored: apps show them in two groups. */
export const TotpCode = z
  .string()
  .max(32)
  .transform((code) => code.replace(/\s/g, ""))
  .pipe(z.string().regex(/^[0-9]{6}$/, "must be six digits"))
  .openapi({ example: "123456" });

export const TotpSetup = z
  .object({
    secret: z.string().openapi({ description: "Base32, for typing in." }),
    otpauth_url: z.string(),
    qr_code: z.string().openapi({ description: "The same as an image, an SVG in a data URL." }),
  })
  .openapi("TotpSetup");
export type TotpSetup = z.infer<typeof TotpSetup>;

export const EnableTotp = z.object({ code: TotpCode }).openapi("EnableTotp");

export const VerifyTotp = z.object({ mfa_token: MfaToken, code: TotpCode }).openapi("VerifyTotp");
export type VerifyTotp = z.infer<typeof VerifyTotp>;

import { z } from "#http/contract";

const base64Url = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^[\w-]+$/, "must be base64url")
    .openapi({ example: "c2FtcGxl" });

// A credential id has at most 1023 bytes (WebAuthn level 3, §4).
const CredentialId = base64Url(1364);
const ClientData = base64Url(8_192);

/** `RegistrationResponseJSON` of WebAuthn level 3, as browsers make it; more fields do no harm. */
export const AttestationResponse = z
  .object({
    id: CredentialId,
    rawId: CredentialId,
    type: z.literal("public-key"),
    response: z.object({
      clientDataJSON: ClientData,
      attestationObject: base64Url(131_072),
      transports: z.array(z.string().max(32)).max(16).optional(),
    }),
  })
  .openapi("AttestationResponse");
export type AttestationResponse = z.infer<typeof AttestationResponse>;

/** `AuthenticationResponseJSON` of WebAuthn level 3. */
export const AssertionResponse = z
  .object({
    id: CredentialId,
    rawId: CredentialId,
    type: z.literal("public-key"),
    response: z.object({
      clientDataJSON: ClientData,
      authenticatorData: base64Url(16_384),
      signature: base64Url(4_096),
      userHandle: base64Url(128)
        .nullish()
        .transform((handle) => handle ?? undefined),
    }),
  })
  .openapi("AssertionResponse");
export type AssertionResponse = z.infer<typeof AssertionResponse>;

const Descriptor = z.object({
  id: z.string(),
  type: z.string().openapi({ example: "public-key" }),
  transports: z.array(z.string()).optional(),
});

/** `PublicKeyCredentialCreationOptionsJSON`: `optionsJSON` of `startRegistration` in `@simplewebauthn/browser`. */
export const CreationOptions = z
  .object({
    challenge: z.string(),
    rp: z.object({ name: z.string(), id: z.string().optional() }),
    user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
    pubKeyCredParams: z.array(z.object({ alg: z.number().int(), type: z.literal("public-key") })),
    timeout: z.number().int().optional(),
    excludeCredentials: z.array(Descriptor).optional(),
    authenticatorSelection: z
      .object({
        residentKey: z.string().optional(),
        requireResidentKey: z.boolean().optional(),
        userVerification: z.string().optional(),
      })
      .optional(),
    attestation: z.string().optional(),
  })
  .openapi("PasskeyCreationOptions");
export type CreationOptions = z.infer<typeof CreationOptions>;

/** `PublicKeyCredentialRequestOptionsJSON`: `optionsJSON` of `startAuthentication`. */
export const RequestOptions = z
  .object({
    challenge: z.string(),
    timeout: z.number().int().optional(),
    rpId: z.string().optional(),
    allowCredentials: z.array(Descriptor).optional(),
    userVerification: z.string().optional(),
  })
  .openapi("PasskeyRequestOptions");
export type RequestOptions = z.infer<typeof RequestOptions>;

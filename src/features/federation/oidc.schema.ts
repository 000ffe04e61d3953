import { z } from "#http/contract";

export const Provider = z
  .object({
    name: z.string(),
    label: z.string().openapi({ description: "For people." }),
    login_url: z.string().openapi({ description: "Where a browser goes to sign in." }),
  })
  .openapi("IdentityProvider");
export type Provider = z.infer<typeof Provider>;

export const ProviderParam = z.object({
  provider: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .openapi({ param: { name: "provider", in: "path" }, example: "company" }),
});

const ReturnToText = z.string().max(2000).optional().openapi({
  description: "Where to go back to: a path here, or an address of an allowed origin. `/login`.",
});

export const LoginQuery = z.object({
  return_to: ReturnToText,
  code_challenge: z
    .string()
    .regex(/^[\w-]{43}$/)
    .optional()
    .openapi({
      description:
        "SHA-256, in base64url, of a random text that the exchange then has to show. Pages of other origins need it: the cookie that stands in for it does not reach them. For pages of this deployment only the cookie counts.",
    }),
});
export type LoginQuery = z.infer<typeof LoginQuery>;

export const LinkQuery = z.object({ return_to: ReturnToText });

/** What a provider may send a browser back with; the whole query is the adapter's to judge. */
export const CallbackQuery = z.object({
  state: z.string().max(200).optional(),
  code: z.string().max(8000).optional(),
  error: z.string().max(200).optional(),
});

export const Exchange = z
  .object({
    code: z.string().min(1).max(200),
    code_verifier: z.string().min(1).max(200).optional(),
  })
  .openapi("OidcExchange");
export type Exchange = z.infer<typeof Exchange>;

export const LinkStart = z
  .object({ url: z.string().openapi({ description: "Send the browser there." }) })
  .openapi("IdentityLink");

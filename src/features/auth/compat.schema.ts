import { Timestamp, z } from "#http/contract";
import { type Role, ROLES } from "../../kernel/actor.ts";
import {
  EmailAddress,
  GivenPassword,
  NewPassword,
  type User,
  User as UserSchema,
} from "../accounts/index.ts";
import type { MfaRequired } from "../mfa/index.ts";
import type { SignedIn } from "../sessions/index.ts";

/** The shapes of the gateway's own accounts, `/v1/auth/*`. */
export const Signup = z.object({ email: EmailAddress, password: NewPassword }).openapi("Signup");

export const SignedUp = z
  .object({
    id: z.uuid().openapi({ description: "Says nothing when the address had an account before." }),
    email: z.string(),
  })
  .openapi("SignedUp");

/** The shapes of the data platform, `/api/v1/auth/*`. */
export const UsernameLogin = z
  .object({
    username: z
      .string()
      .max(254)
      .transform((name) => name.trim().toLowerCase())
      .openapi({ description: "The e-mail address." }),
    password: GivenPassword,
  })
  .openapi("UsernameLogin");

const DataUser = z.object({
  id: z.uuid(),
  username: z.string(),
  email: z.string(),
  role: z.enum(ROLES),
  mfa_enabled: z.boolean(),
  created_at: Timestamp,
});

export const AuthResponse = z
  .object({
    token: z.string().nullable(),
    user: DataUser.nullable(),
    requires_mfa: z.boolean(),
    requires_mfa_setup: z.boolean(),
    mfa_setup_data: z.null(),
    error: z.null(),
    refresh_token: z.string().nullable(),
    expires_in: z.number().int(),
  })
  .openapi("AuthResponse");
export type AuthResponse = z.infer<typeof AuthResponse>;

export const DataUserAnswer = DataUser.openapi("DataUser");
export type DataUserAnswer = z.infer<typeof DataUserAnswer>;

export const MfaVerify = z
  .object({ token: z.string().min(1).max(200), code: z.string().min(1).max(64) })
  .openapi("MfaVerify");

/** The control plane's check of a token. */
export const Validity = z
  .union([
    z.object({
      valid: z.literal(true),
      user: UserSchema,
      expires_at: Timestamp,
      expires_in: z.number().int(),
    }),
    z.object({
      valid: z.literal(false),
      reason: z.enum(["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_EXPIRED", "SESSION_ENDED"]),
    }),
  ])
  .openapi("Validity");
export type Validity = z.infer<typeof Validity>;

export const toDataUser = (user: User): DataUserAnswer => ({
  id: user.id,
  username: user.email,
  email: user.email,
  role: user.role,
  mfa_enabled: user.mfa_enabled,
  created_at: user.created_at,
});

export const toAuthResponse = (
  answer: SignedIn | MfaRequired,
  requireMfa: ReadonlySet<Role>,
): AuthResponse => ({
  token: answer.requires_mfa ? answer.mfa_token : answer.token,
  user: answer.requires_mfa ? null : toDataUser(answer.user),
  requires_mfa: answer.requires_mfa,
  requires_mfa_setup: !answer.requires_mfa && requireMfa.has(answer.user.role) && !answer.user.mfa_verified,
  mfa_setup_data: null,
  error: null,
  refresh_token: answer.requires_mfa ? null : answer.refresh_token,
  expires_in: answer.expires_in,
});

import { PageQuery, Timestamp, z } from "#http/contract";
import { type Permission, PERMISSION_NAMES, ROLES } from "../../kernel/actor.ts";
import { type Account, EmailAddress, PersonName, toUser, User } from "../accounts/index.ts";
import { PermissionNames, RoleName } from "../roles/index.ts";

export const STATUSES = ["active", "suspended", "pending"] as const;
export type UserStatus = (typeof STATUSES)[number];

export const AdminUser = User.omit({ mfa_verified: true })
  .extend({
    status: z.enum(STATUSES).openapi({ description: "`pending` waits to be approved." }),
    denied: z.array(z.enum(PERMISSION_NAMES)).openapi({
      description: "Permissions denied to this very account, whatever its role grants.",
    }),
    has_password: z.boolean(),
    suspended_at: Timestamp.nullable(),
    suspended_reason: z.string().nullable(),
  })
  .openapi("AdminUser");
export type AdminUser = z.infer<typeof AdminUser>;

// An administrator who knows a password is one more who can sign in with it.
const NoPassword = z
  .null("is not yours to choose; the account's owner gets a link by mail")
  .optional()
  .openapi({ description: "Refused: nobody chooses somebody else's password." });

export const CreateUser = z
  .object({
    email: EmailAddress,
    name: PersonName,
    role: z.enum(ROLES).optional().openapi({ description: "`user` unless a custom role says otherwise." }),
    custom_role: RoleName.optional(),
    password: NoPassword,
  })
  .openapi("CreateUser");
export type CreateUser = z.infer<typeof CreateUser>;

export const UpdateUser = z
  .object({
    name: PersonName.optional(),
    email: EmailAddress.optional().openapi({ description: "A new one has to be verified again." }),
    role: z.enum(ROLES).optional().openapi({ description: "Takes a custom role away." }),
    custom_role: RoleName.nullable().optional().openapi({ description: "Null takes it away." }),
    denied: PermissionNames.optional(),
    password: NoPassword,
  })
  .openapi("UpdateUser");
export type UpdateUser = z.infer<typeof UpdateUser>;

export const SuspendUser = z
  .object({ reason: z.string().trim().min(1).max(1000).optional() })
  .openapi("SuspendUser");

export const UserQuery = PageQuery.extend({
  role: z.enum(ROLES).optional(),
  status: z.enum(STATUSES).optional(),
  search: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .openapi({ description: "A part of the address or the name." }),
});

export const DeleteUserQuery = z.object({
  transfer_to: z.uuid().toLowerCase().optional().openapi({
    description: "Who gets what the account owns: datasets, runs, models, endpoints, agents.",
  }),
});

function statusOf({ suspendedAt, approvedAt }: Account): UserStatus {
  if (suspendedAt) return "suspended";
  return approvedAt ? "active" : "pending";
}

export function toAdminUser(account: Account): AdminUser {
  const { mfa_verified: _, ...user } = toUser(account);
  return {
    ...user,
    status: statusOf(account),
    denied: account.denied as Permission[],
    has_password: account.passwordHash !== null,
    suspended_at: account.suspendedAt?.toISOString() ?? null,
    suspended_reason: account.suspendedReason,
  };
}

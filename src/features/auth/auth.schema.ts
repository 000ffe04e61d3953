import { z } from "#http/contract";
import { EmailAddress, GivenPassword, NewPassword, PersonName } from "../accounts/index.ts";

export const Register = z
  .object({ email: EmailAddress, name: PersonName, password: NewPassword })
  .openapi("Register");
export type Register = z.infer<typeof Register>;

export const Registered = z
  .object({
    success: z.literal(true),
    message: z
      .string()
      .openapi({ description: "What to do next. It never tells whether the address was known." }),
  })
  .openapi("Registered");
export type Registered = z.infer<typeof Registered>;

export const Login = z
  .object({
    email: z
      .string()
      .max(254)
      .transform((email) => email.trim().toLowerCase()),
    password: GivenPassword,
  })
  .openapi("Login");
export type Login = z.infer<typeof Login>;

export const AddressOnly = z.object({ email: EmailAddress }).openapi("AddressOnly");

export const Accepted = z
  .object({ success: z.literal(true), message: z.string() })
  .openapi("Accepted", { description: "The same whether or not there is such an account." });

const LinkToken = z.string().min(1).max(200);

export const LinkQuery = z.object({ token: LinkToken });
export const LinkBody = z.object({ token: LinkToken }).openapi("LinkToken");

export const ResetPassword = z.object({ token: LinkToken, password: NewPassword }).openapi("ResetPassword");
export type ResetPassword = z.infer<typeof ResetPassword>;

export const ChangePassword = z
  .object({ current_password: GivenPassword, new_password: NewPassword })
  .openapi("ChangePassword");
export type ChangePassword = z.infer<typeof ChangePassword>;

export const ChangeEmail = z.object({ email: EmailAddress, password: GivenPassword }).openapi("ChangeEmail");
export type ChangeEmail = z.infer<typeof ChangeEmail>;

export const UpdateMe = z.object({ name: PersonName }).openapi("UpdateMe");

export const Done = z.object({ success: z.literal(true) }).openapi("Done");

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

import type { Letter } from "../mail/index.ts";

const link = (publicUrl: string, path: string, token: string): string =>
  `${publicUrl.replace(/\/+$/, "")}/${path}?token=${encodeURIComponent(token)}`;

interface To {
  name: string;
  publicUrl: string;
}

export const invitation = ({ name, publicUrl }: To, token: string): Letter => ({
  subject: "Your Myelin account",
  paragraphs: [
    `Hello ${name},`,
    "an administrator made an account for you. Choose a password for it within seven days; nobody else knows or sets it.",
  ],
  action: { label: "Choose a password", url: link(publicUrl, "reset-password", token) },
});

export const passwordReset = ({ name, publicUrl }: To, token: string): Letter => ({
  subject: "Choose a new Myelin password",
  paragraphs: [
    `Hello ${name},`,
    "an administrator asked you to choose a new password. The link works once, for thirty minutes. Until you use it, nothing changes.",
  ],
  action: { label: "Choose a new password", url: link(publicUrl, "reset-password", token) },
});

export const addressCheck = ({ name, publicUrl }: To, token: string): Letter => ({
  subject: "Confirm your e-mail address",
  paragraphs: [
    `Hello ${name},`,
    "an administrator gave your Myelin account this address. Confirm within a day that it is yours.",
  ],
  action: { label: "Confirm the address", url: link(publicUrl, "api/auth/verify-email", token) },
});

export const addressMoved = ({ name }: To, email: string): Letter => ({
  subject: "Your Myelin account has another e-mail address",
  paragraphs: [
    `Hello ${name},`,
    `an administrator changed the address of your account to ${email}. If you did not expect that, ask them.`,
  ],
});

export const welcome = ({ name, publicUrl }: To): Letter => ({
  subject: "Welcome to Myelin",
  paragraphs: [`Hello ${name},`, "an administrator has let you in. You may sign in now."],
  action: { label: "Sign in", url: `${publicUrl}/login` },
});

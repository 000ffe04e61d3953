import type { Letter } from "../mail/index.ts";

export const invitation = (name: string, url: string): Letter => ({
  subject: "Your Myelin account",
  paragraphs: [
    `Hello ${name},`,
    "an administrator made an account for you. Choose a password for it within seven days; nobody else knows or sets it.",
  ],
  action: { label: "Choose a password", url },
});

export const passwordReset = (name: string, url: string): Letter => ({
  subject: "Choose a new Myelin password",
  paragraphs: [
    `Hello ${name},`,
    "an administrator asked you to choose a new password. The link works once, for thirty minutes. Until you use it, nothing changes.",
  ],
  action: { label: "Choose a new password", url },
});

export const addressCheck = (name: string, url: string): Letter => ({
  subject: "Confirm your e-mail address",
  paragraphs: [
    `Hello ${name},`,
    "an administrator gave your Myelin account this address. Confirm within a day that it is yours.",
  ],
  action: { label: "Confirm the address", url },
});

export const addressMoved = (name: string, email: string): Letter => ({
  subject: "Your Myelin account has another e-mail address",
  paragraphs: [
    `Hello ${name},`,
    `an administrator changed the address of your account to ${email}. If you did not expect that, ask them.`,
  ],
});

export const welcome = (name: string, url: string): Letter => ({
  subject: "Welcome to Myelin",
  paragraphs: [`Hello ${name},`, "an administrator has let you in. You may sign in now."],
  action: { label: "Sign in", url },
});

import type { Client } from "./client.ts";
import { until } from "./client.ts";

export interface Letter {
  kind: string;
  to: string;
  subject: string;
  text: string;
}

/** The newest mail of a kind to somebody, out of the outbox an administrator can read; waits for it. */
export async function mailTo(admin: Client, to: string, kind: string): Promise<Letter> {
  const find = async () => {
    const mails = (await admin.get<Letter[]>("/api/admin/mail?limit=200")).body;
    return mails.find((mail) => mail.to === to && mail.kind === kind);
  };
  return (await until(find, (mail) => mail !== undefined))!;
}

/** The token of the link in a mail. */
export const tokenIn = ({ text }: Letter): string => {
  const token = /[?&]token=([\w-]{20,})/.exec(text)?.[1];
  if (!token) throw new Error(`no link in: ${text}`);
  return token;
};

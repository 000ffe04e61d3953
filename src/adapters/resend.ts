import type { Mailer } from "../kernel/ports/mailer.ts";

interface ResendOptions {
  apiKey: string;
  from: string;
  /** Where the API is; another address for tests. */
  baseUrl?: string;
}

const TIMEOUT_MS = 10_000;

/** Mail by Resend's REST API (https://resend.com/docs/api-reference/emails/send-email). */
export const createResendMailer = ({
  apiKey,
  from,
  baseUrl = "https://api.resend.com",
}: ResendOptions): Mailer => ({
  async send({ to, subject, text, html, idempotencyKey }) {
    const response = await fetch(`${baseUrl}/emails`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${apiKey}`,
        "content-type": "application/json",
        "idempotency-key": idempotencyKey,
      },
      body: JSON.stringify({ from, to: [to], subject, text, html }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.ok) return void (await response.body?.cancel());
    throw new Error(`Resend answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
  },
});

export interface Mail {
  to: string;
  subject: string;
  text: string;
  html: string;
  /** The same for every attempt to deliver the same mail. */
  idempotencyKey: string;
}

/** Hands mail over for delivery; throws when that fails. */
export interface Mailer {
  send(mail: Mail): Promise<void>;
}

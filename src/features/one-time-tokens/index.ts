/**
 * Tokens that work once: mail links, second-factor steps, WebAuthn challenges, round trips to identity providers.
 * Table: one_time_tokens (only hashes). No blobs, no objects.
 */
export {
  attemptOneTime,
  endOneTime,
  issueOneTime,
  type OneTimePurpose,
  peekOneTime,
  recallOneTime,
  redeemOneTime,
  rememberOneTime,
  replaceOneTime,
  sweepOneTime,
} from "./one-time-tokens.service.ts";

/**
 * Second factors: the step between a first factor and a session, and the factors themselves.
 * Tables: totp_secrets, recovery_codes, passkeys; steps and challenges in one_time_tokens. No blobs, no objects.
 */
export { MfaRequired } from "./mfa-step.schema.ts";
export { passFirstFactor } from "./mfa-step.service.ts";

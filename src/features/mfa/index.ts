/**
 * Second factors: the step between a first factor and a session, authenticator apps, passkeys (which may also be both
 * factors at once), recovery codes, and showing any of them again.
 * Tables: totp_secrets, recovery_codes, passkeys; steps and challenges in one_time_tokens. No blobs, no objects.
 */
import { createRouter } from "#http/router";
import { factorRoutes } from "./factors.routes.ts";
import { passkeyLoginRoutes } from "./passkey-login.routes.ts";
import { passkeyRoutes } from "./passkeys.routes.ts";
import { reauthenticateRoutes } from "./reauthenticate.routes.ts";
import { recoveryRoutes } from "./recovery.routes.ts";
import { totpRoutes } from "./totp.routes.ts";

export { requireRecentProof } from "./factors.service.ts";
export { MfaRequired } from "./mfa-step.schema.ts";
export { passFirstFactor } from "./mfa-step.service.ts";
export { signInByRecovery } from "./recovery.service.ts";
export { sweepTotpSecrets, verifyTotp } from "./totp.service.ts";

export const mfaRoutes = createRouter();
mfaRoutes.route("/", factorRoutes);
mfaRoutes.route("/", totpRoutes);
mfaRoutes.route("/", recoveryRoutes);
mfaRoutes.route("/", passkeyRoutes);
mfaRoutes.route("/", passkeyLoginRoutes);
mfaRoutes.route("/", reauthenticateRoutes);

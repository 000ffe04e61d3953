import { dataLayout } from "./paths.ts";
import { Refusal } from "./refusal.ts";
import { keepSecret, randomToken } from "./secrets-file.ts";

const MIN_LENGTH = 32;

/** The secrets a deployment cannot do without. */
export interface OwnSecrets {
  JWT_SECRET: string;
  ENCRYPTION_KEYS: string;
  AUDIT_SECRET: string;
}

/** The configured secret, else one made for this data folder. */
function secretOf(name: string, configured: string | undefined, path: string): string {
  if (configured === undefined || configured === "") return keepSecret(path, randomToken);
  if (configured.length >= MIN_LENGTH) return configured;
  throw new Refusal(
    `${name} has ${configured.length} characters and needs at least ${MIN_LENGTH}. Make one with: openssl rand -base64 32`,
  );
}

/** What signs tokens, encrypts what is stored, and chains the audit trail: as configured, else made once and kept. */
export function ownSecrets(env: Record<string, string | undefined>, dataDir: string): OwnSecrets {
  const { jwtSecret, encryptionKey, auditSecret } = dataLayout(dataDir);
  return {
    JWT_SECRET: secretOf("JWT_SECRET", env["JWT_SECRET"], jwtSecret),
    ENCRYPTION_KEYS: env["ENCRYPTION_KEYS"] || `k1:${keepSecret(encryptionKey, randomToken)}`,
    AUDIT_SECRET: secretOf("AUDIT_SECRET", env["AUDIT_SECRET"], auditSecret),
  };
}

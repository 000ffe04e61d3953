import { dataLayout } from "./paths.ts";
import { Refusal } from "./refusal.ts";
import { keepSecret, randomToken } from "./secrets-file.ts";

const MIN_LENGTH = 32;

/** The key that signs tokens: the configured one, else one made for this data folder. */
export function jwtSecret(configured: string | undefined, dataDir: string): string {
  if (configured === undefined || configured === "")
    return keepSecret(dataLayout(dataDir).jwtSecret, randomToken);
  if (configured.length >= MIN_LENGTH) return configured;
  throw new Refusal(
    `JWT_SECRET has ${configured.length} characters and needs at least ${MIN_LENGTH}. Make one with: openssl rand -base64 32`,
  );
}

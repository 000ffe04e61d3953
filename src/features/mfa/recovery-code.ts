/** 32 letters and digits of which no two look alike. */
const ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const GROUP = /.{4}/g;
const LENGTH = 16;

/** 80 random bits, as `XXXX-XXXX-XXXX-XXXX`. */
export function newRecoveryCode(): string {
  // 256 is a multiple of 32, so each letter is as likely as any other.
  const letters = Array.from(crypto.getRandomValues(new Uint8Array(LENGTH)), (byte) => ALPHABET[byte % 32]);
  return letters.join("").match(GROUP)!.join("-");
}

/** A code as it is hashed, however somebody typed it. */
export const plainRecoveryCode = (code: string): string => code.toUpperCase().replace(/[^A-Z0-9]/g, "");

/** Numbered, one a line, for printing. */
export const formatRecoveryCodes = (codes: readonly string[]): string =>
  codes.map((code, i) => `${i + 1}. ${code}`).join("\n");

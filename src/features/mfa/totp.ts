import { generateSecret, generateURI, verifySync } from "otplib";
import { encodeQR } from "qr";

const SECRET_BYTES = 20;
const STEP_SECONDS = 30;
const QR_PIXELS = 240;

/** 160 random bits in Base32 (RFC 4226 recommends as many). */
export const newTotpSecret = (): string => generateSecret({ length: SECRET_BYTES });

/** What authenticator apps read: SHA-1, six digits, 30 seconds. */
export const otpauthUrl = (secret: string, account: string): string =>
  generateURI({ issuer: "Myelin", label: account, secret });

/** A text as a QR code, an SVG in a data URL. */
export function qrDataUrl(text: string): string {
  const svg = encodeQR(text, "svg", { ecc: "medium", border: 4, scale: 1 });
  const size = `<svg width="${QR_PIXELS}" height="${QR_PIXELS}" `;
  // White of its own: on a dark page nothing could read it.
  const page = '<rect width="100%" height="100%" fill="#fff"/><path ';
  return `data:image/svg+xml;base64,${btoa(svg.replace("<svg ", size).replace("<path ", page))}`;
}

/** The time step a code of six digits belongs to, one step early or late allowed; nothing when it is wrong (RFC 6238). */
export function stepOfCode(secret: string, code: string, now: Date): number | undefined {
  const epoch = Math.floor(now.getTime() / 1000);
  const result = verifySync({ secret, token: code, epoch, epochTolerance: STEP_SECONDS });
  return result.valid && "timeStep" in result ? result.timeStep : undefined;
}

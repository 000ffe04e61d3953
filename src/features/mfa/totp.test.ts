import decodeQR from "qr/decode.js";
import { encodeQR } from "qr";
import { describe, expect, it } from "vitest";
import { newTotpSecret, otpauthUrl, qrDataUrl, stepOfCode } from "./totp.ts";

/** The secret of RFC 6238, appendix B, and the last six digits of its SHA-1 codes. */
const SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const VECTORS = [
  [59, "287082"],
  [1_111_111_109, "081804"],
  [1_111_111_111, "050471"],
  [1_234_567_890, "005924"],
  [2_000_000_000, "279037"],
  [20_000_000_000, "353130"],
] as const;
const at = (seconds: number) => new Date(seconds * 1000);

describe("a code", () => {
  it.each(VECTORS)("at %i s is the standard's", (seconds, code) => {
    expect(stepOfCode(SECRET, code, at(seconds))).toBe(Math.floor(seconds / 30));
  });

  it("is good one step early and late, and names its own step", () => {
    const [seconds, code] = VECTORS[3];
    const step = Math.floor(seconds / 30);
    const found = [-2, -1, 0, 1, 2].map((off) => stepOfCode(SECRET, code, at((step + off) * 30 + 29)));
    expect(found).toEqual([undefined, step, step, step, undefined]);
  });
});

it("every secret has 160 bits and is another", () => {
  const secrets = Array.from({ length: 50 }, newTotpSecret);
  expect(new Set(secrets).size).toBe(50);
  for (const secret of secrets) expect(secret).toMatch(/^[A-Z2-7]{32}$/);
});

it("the image is a square of 240 pixels, and says the address", () => {
  const url = otpauthUrl(SECRET, "ada+ml@example.com");
  const svg = atob(qrDataUrl(url).replace("data:image/svg+xml;base64,", ""));
  expect(svg).toMatch(
    /^<svg width="240" height="240" viewBox="0 0 (\d+) \1" [^>]*><rect [^>]*fill="#fff"\/><path /,
  );
  const rows = encodeQR(url, "raw", { ecc: "medium", border: 4, scale: 4 });
  const data = rows.flatMap((row) => row.flatMap((dark) => (dark ? [0, 0, 0] : [255, 255, 255])));
  const image = { width: rows.length, height: rows.length, data: Uint8Array.from(data) };
  expect(decodeQR(image)).toBe(url);
});

/** An Argon2id hash with what it takes to compute it again. Memory in KiB, after RFC 9106. */
export interface Argon2Hash {
  memoryKib: number;
  passes: number;
  lanes: number;
  salt: Uint8Array;
  hash: Uint8Array;
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d)\$([\w+/]{11,86})\$([\w+/]{22,86})$/;
// A forged or imported hash must not be able to ask for more work than this.
const MAX = { memoryKib: 65_536, passes: 10, lanes: 4 };

const toBase64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes)).replaceAll("=", "");
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

/** The hash in PHC string form, as the reference implementation writes it. */
export const formatPhc = ({ memoryKib, passes, lanes, salt, hash }: Argon2Hash): string =>
  `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${toBase64(salt)}$${toBase64(hash)}`;

/** The parts of a PHC string, or `undefined` when it is not Argon2id v19 within the allowed costs. */
export function parsePhc(phc: string): Argon2Hash | undefined {
  const match = PHC.exec(phc);
  if (!match) return undefined;
  const [memoryKib, passes, lanes] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (memoryKib < 8 * lanes || memoryKib > MAX.memoryKib) return undefined;
  if (passes < 1 || passes > MAX.passes || lanes < 1 || lanes > MAX.lanes) return undefined;
  return { memoryKib, passes, lanes, salt: fromBase64(match[4]!), hash: fromBase64(match[5]!) };
}

/** Compares without telling by its timing where the first difference is. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

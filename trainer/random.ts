/** A stream of pseudo-random numbers that depends on nothing but its seed. */
export interface Random {
  /** A whole number from 0 to 2^32 - 1. */
  next(): number;
  /** A whole number from 0 to `count` - 1, each equally likely. */
  below(count: number): number;
  /** A number from `-limit` up to `limit`. */
  symmetric(limit: number): number;
}

type State = [number, number, number, number];

/** One independent stream per purpose (split, weights, batches), so that changing one leaves the others alone. */
export function createRandom(seed: number, purpose: string): Random {
  return xoshiro128(seedState(seed, purpose));
}

/**
 * xoshiro128** 1.1 by David Blackman and Sebastiano Vigna (public domain),
 * https://prng.di.unimi.it/xoshiro128starstar.c
 */
export function xoshiro128(state: State): Random {
  let [s0, s1, s2, s3] = state;
  const next = () => {
    const result = Math.imul(rotate(Math.imul(s1, 5), 7), 9) >>> 0;
    const shifted = s1 << 9;
    s2 ^= s0;
    s3 ^= s1;
    s1 ^= s2;
    s0 ^= s3;
    s2 ^= shifted;
    s3 = rotate(s3, 11);
    return result;
  };
  const below = (count: number) => {
    const limit = 2 ** 32 - (2 ** 32 % count);
    let value = next();
    while (value >= limit) value = next();
    return value % count;
  };
  return { next, below, symmetric: (limit) => (next() / 2 ** 31 - 1) * limit };
}

/** Fisher-Yates, in place. */
export function shuffle(items: Int32Array, random: Random): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    const kept = items[at]!;
    items[at] = items[other]!;
    items[other] = kept;
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function seedState(seed: number, purpose: string): State {
  let hash = mix((seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32) | 0, 0x9e3779b9));
  for (const char of purpose) hash = mix(hash ^ char.codePointAt(0)!);
  const word = () => mix((hash = (hash + 0x9e3779b9) | 0));
  return [word(), word(), word(), word()];
}

/** The 32-bit finaliser of MurmurHash3 by Austin Appleby (public domain): spreads nearby seeds apart. */
function mix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

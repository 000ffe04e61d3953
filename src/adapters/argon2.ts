import wasm from "@phi-ag/argon2/argon2.wasm";
import { type Argon2Hash, equalBytes, formatPhc, parsePhc } from "../kernel/phc.ts";
import type { PasswordHasher } from "../kernel/ports/credentials.ts";

interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  malloc(bytes: number): number;
  free(pointer: number): void;
  argon2_hash(...args: number[]): number;
}

// OWASP's second recommendation for Argon2id: 19 MiB, two passes, one lane.
const COST = { memoryKib: 19_456, passes: 2, lanes: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const ARGON2ID = 2;
const VERSION_13 = 19;

let loaded: Exports | undefined;

function instance(): Exports {
  if (!loaded) {
    loaded = new WebAssembly.Instance(wasm, {}).exports as unknown as Exports;
    loaded._initialize();
  }
  return loaded;
}

/** Lends zeroed-after-use memory for `inputs` and `outputBytes` of result; lengths are bytes, never characters. */
function withMemory(
  inputs: Uint8Array[],
  outputBytes: number,
  use: (pointers: number[], output: number) => number,
) {
  const { memory, malloc, free } = instance();
  const sizes = [...inputs.map((input) => input.length), outputBytes];
  const pointers = sizes.map((size) => malloc(Math.max(size, 1)));
  try {
    inputs.forEach((input, i) => new Uint8Array(memory.buffer).set(input, pointers[i]!));
    const output = pointers[pointers.length - 1]!;
    const code = use(pointers, output);
    if (code !== 0) throw new Error(`argon2 failed with code ${code}`);
    return new Uint8Array(memory.buffer).slice(output, output + outputBytes);
  } finally {
    pointers.forEach((pointer, i) => {
      new Uint8Array(memory.buffer).fill(0, pointer, pointer + sizes[i]!);
      free(pointer);
    });
  }
}

function derive(password: string, cost: Omit<Argon2Hash, "hash">, hashBytes: number): Uint8Array {
  const secret = new TextEncoder().encode(password);
  const { passes, memoryKib, lanes, salt } = cost;
  return withMemory([secret, salt], hashBytes, ([secretAt, saltAt], outputAt) =>
    instance().argon2_hash(
      ...[passes, memoryKib, lanes, secretAt!, secret.length, saltAt!, salt.length],
      ...[outputAt, hashBytes, 0, 0, ARGON2ID, VERSION_13],
    ),
  );
}

/**
 * Argon2id by the WebAssembly build of the reference implementation. The package's own JavaScript passes UTF-16
 * lengths as byte lengths and so truncates non-ASCII passwords; hence this wrapper around its wasm alone.
 */
export const argon2: PasswordHasher = {
  hash(password) {
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    const hash = derive(password, { ...COST, salt }, HASH_BYTES);
    return Promise.resolve(formatPhc({ ...COST, salt, hash }));
  },
  verify(phc, password) {
    const stored = parsePhc(phc);
    if (!stored) return Promise.resolve(false);
    return Promise.resolve(equalBytes(derive(password, stored, stored.hash.length), stored.hash));
  },
};

import { InputError } from "./errors.ts";

/** Reads the fields of a job file; each throws an InputError that names the field. */
export type Json = Record<string, unknown>;

export function object(value: unknown, name: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new InputError(`${name} must be an object`);
  return value as Json;
}

export function text(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "") throw new InputError(`${name} must be a text, not empty`);
  return value;
}

export function integer(value: unknown, name: string, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
    throw new InputError(`${name} must be a whole number${range(min, max)}`);
  return value as number;
}

function range(min: number, max: number): string {
  if (min === Number.MIN_SAFE_INTEGER) return "";
  return max === Number.MAX_SAFE_INTEGER ? ` of at least ${min}` : ` from ${min} to ${max}`;
}

export function between(value: unknown, name: string, above: number, below: number): number {
  if (typeof value !== "number" || !(value > above && value < below))
    throw new InputError(
      `${name} must be a number above ${above}${below < Infinity ? ` and below ${below}` : ""}`,
    );
  return value;
}

export function oneOf<const T extends string>(value: unknown, name: string, words: readonly T[]): T {
  const word = words.find((candidate) => candidate === value);
  if (word === undefined) throw new InputError(`${name} must be one of ${words.join(", ")}`);
  return word;
}

export function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}
